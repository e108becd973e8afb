/** What is long, and does not fit into `make test`: declared here and nowhere else. */
import { availableParallelism } from "node:os";

import { bootGuest, type BootOptions, type BootResult } from "../../src/host/boot/boot.js";
import { TextOutput } from "../../src/host/protocol/text-output.js";
import { LONG_FORM } from "../fixtures/extent.js";
import { besideBusyLoops } from "./busy.js";
import type { Setup, SoakStep, Tally } from "./step.js";

const MINUTE_MS = 60_000;
const BUSY_LOOPS = 8;

async function boot(
  { xen, qemu, signal }: Setup,
  image: string,
  options: Partial<BootOptions>,
): Promise<BootResult> {
  return bootGuest({ image, xen, qemu, signal, timeoutMs: 10 * MINUTE_MS, ...options });
}

/** Null: it ended with code 0, and nothing of what it said was lost. */
function failureOf(result: BootResult): string | null {
  const log = result.log ?? "no log";
  if (result.verdict !== "exit" || result.guestCode !== 0)
    return `${result.verdict}: ${result.message} (${log})`;
  return result.damage.length === 0 ? null : `records were lost or altered (${log})`;
}

function printed(result: BootResult): string[] {
  const lines: string[] = [];
  const output = new TextOutput({
    onLine: (line) => {
      lines.push(line);
    },
  });
  for (const record of result.records) output.take(record);
  output.end();
  return lines;
}

const oneOf = (failure: string | null): string[] => (failure === null ? [] : [failure]);

const HELLOS = 50;
/** Boots of hello: even ones from the start, odd ones from a saved machine. */
async function hellos(from: number, setup: Setup): Promise<Tally> {
  const image = await setup.image("examples/hello.ts");
  const numbers = Array.from({ length: HELLOS }, (_, n) => from + n);
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) {
      const start = n % 2 === 0 ? "cold" : "restored";
      const failure = failureOf(await boot(setup, image, { boot: start }));
      if (failure !== null) failures.push(`boot ${n}, ${start}: ${failure}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return { done: HELLOS, failures };
}

const GENERATIONS = 500;
/** Reset and jump, again and again, all three vCPUs started again each time; and no page is lost. */
async function generations(_from: number, setup: Setup): Promise<Tally> {
  const image = await setup.image("test/boot/guest/kexec.ts");
  const result = await boot(setup, image, {
    vcpus: 3,
    modules: [image],
    cmdline: `last=${GENERATIONS} vcpus=3 quiet=1`,
  });
  const pages = printed(result).flatMap((line) => / pages (\d+)$/.exec(line)?.[1] ?? []);
  const lost = pages.length < 2 || pages[0] !== pages.at(-1);
  const failure =
    failureOf(result) ??
    (lost ? `pages were lost: ${pages.join(", ")} (${result.log ?? "no log"})` : null);
  return { done: GENERATIONS, failures: oneOf(failure) };
}

const EVENTS = 50_000;
/** Wake-ups aimed at the moment of going to sleep. One that is lost is the end of the boot. */
async function events(_from: number, setup: Setup): Promise<Tally> {
  const image = await setup.image("test/boot/guest/wake.ts");
  const result = await boot(setup, image, { on: "dom0", cmdline: `rounds=${EVENTS}` });
  const woken = printed(result).includes(`woken ${EVENTS}`);
  const failure = failureOf(result) ?? (woken ? null : `not all were woken (${result.log ?? ""})`);
  return { done: EVENTS, failures: oneOf(failure) };
}

const SCRIPT = ["node", "scripts/run-ts.js"];
const TEST_RUN = [...SCRIPT, "test/run.ts", "--only"];

async function once(failure: Promise<string | null>): Promise<Tally> {
  return { done: 1, failures: oneOf(await failure) };
}

const MODULES = 2000;
const VECTORS = 4000;

export const soakSteps: SoakStep[] = [
  { name: "boots", title: "hello, cold and restored", unit: "boots", target: 3000, round: hellos },
  {
    name: "generations",
    title: "soft reset and jump with three vCPUs",
    unit: "generations",
    target: 20_000,
    round: generations,
  },
  {
    name: "events",
    title: "wake-ups aimed at the moment of going to sleep",
    unit: "wake-ups",
    target: 1_000_000,
    round: events,
  },
  {
    name: "load",
    title: `unit, runtime and conformance tests beside ${BUSY_LOOPS} busy loops`,
    unit: "runs",
    target: 3,
    round: async (from, setup) =>
      besideBusyLoops(BUSY_LOOPS, () =>
        once(setup.command(`load-${from}`, [...TEST_RUN, "unit,runtime,conform"])),
      ),
  },
  {
    name: "guest-load",
    title: `tests in guests beside ${BUSY_LOOPS} busy loops`,
    unit: "runs",
    target: 5,
    round: async (from, setup) =>
      besideBusyLoops(BUSY_LOOPS, () =>
        once(setup.command(`guest-load-${from}`, ["node", "dist/cli.js", "test", "test/guest"])),
      ),
  },
  {
    name: "boot",
    title: "the boot tests in their long form: every version, seed and round",
    unit: "runs",
    target: 1,
    round: async (from, setup) =>
      once(setup.command(`boot-${from}`, [...TEST_RUN, "boot"], { [LONG_FORM]: "1" })),
  },
  {
    name: "linux",
    title: "Debian's Linux before and after our kernels",
    unit: "runs",
    target: 1,
    round: async (from, setup) => once(setup.command(`linux-${from}`, [...TEST_RUN, "linux"])),
  },
  {
    name: "install",
    title: "the package as it is installed",
    unit: "runs",
    target: 1,
    round: async (from, setup) => once(setup.command(`install-${from}`, [...TEST_RUN, "install"])),
  },
  {
    name: "fuzz",
    title: "random modules in a guest against V8",
    unit: "modules",
    target: 200_000,
    round: async (from, setup) => {
      const seed = String(1_000_000 + from);
      const words = ["test/fuzz/main.ts", "--modules", String(MODULES), "--seed", seed];
      const failure = await setup.command(`fuzz-${from}`, [...SCRIPT, ...words]);
      return { done: MODULES, failures: oneOf(failure) };
    },
  },
  {
    name: "fuzz-channel",
    title: "random arguments, environments, inputs and outputs",
    unit: "vectors",
    target: 100_000,
    round: async (from, setup) => {
      const seed = String(1_000_000 + from);
      const words = ["test/fuzz/channel-main.ts", "--vectors", String(VECTORS), "--seed", seed];
      const failure = await setup.command(`fuzz-channel-${from}`, [...SCRIPT, ...words]);
      return { done: VECTORS, failures: oneOf(failure) };
    },
  },
  {
    name: "races",
    title: "two vCPUs in one hypercall each, on each Xen: how often each answer came is in the log",
    unit: "runs",
    target: 10,
    round: async (from, setup) =>
      once(
        setup.command(`races-${from}`, [
          ...["node", "dist/cli.js", "conform", "--suite", "races", "--reporter", "tap"],
          ...setup.races,
        ]),
      ),
  },
];
