/**
 * How checks are run under stock xl (docs/xl.md): one dom0 of Debian's, in which xl makes a domain for each scenario and
 * for each control. The domain is the same program as elsewhere, and says on its console what its checks come to; there
 * is no observer in dom0. PVH domains are reset by xl/preload/soft_reset.so, those of type hvm by xl itself.
 *
 * The control of a check that the reset was made is a domain that does not ask for it: no toolstack can be told to leave
 * it out.
 */
import { readFile } from "node:fs/promises";
import type { GuestRecord } from "../../protocol/record.js";
import { withRunBlock } from "../../elf/run-block.js";
import { provideDom0 } from "../../xl/dom0-image.js";
import { releaseWithDom0 } from "../../boot/xl-plan.js";
import { providePreload } from "../../xl/preload.js";
import { runDom0Steps, type StepResult } from "../../boot/xl-steps.js";
import { xlConfig } from "../../xl/xl-config.js";
import type {
  BackendOptions,
  ConformanceBackend,
  ConformanceBoot,
  ConformanceBootOptions,
} from "./backend.js";
import { prepared } from "./images.js";
import { PHASES, type Phase } from "../../report/matrix/model.js";
import { readPlan } from "./plan.js";
import type { DeclaredScenario } from "./declarations.js";

/** What xl gives a domain at least. */
const MEMORY_MIB = 16;
const DOMAINS_MIB = 64;
/** How long a domain may take, its resets included; in ms. */
const STEP_MS = 120_000;

/** Begins a line of a domain's console that is a check's result (src/guest/conformance/guest-side.ts). */
const CHECK_LINE = "check ";

interface Part {
  scenario: DeclaredScenario;
  phase: Phase;
  name: string;
}

export async function createXlBackend(options: BackendOptions): Promise<ConformanceBackend> {
  const { progress, signal } = options;
  const { checks: planned, declared } = await readPlan();
  const prepare = prepared(options);
  const hvm = options.on === "xl-hvm";

  const boot = async (asked: ConformanceBootOptions): Promise<ConformanceBoot> => {
    const release = releaseWithDom0(asked.xen);
    const { qemu, imageFor } = await prepare();
    const image = imageFor(asked.xen);
    const dom0 = await provideDom0(release, progress, { deviceModel: hvm, signal: asked.signal });
    const wanted = new Set(asked.checks);
    const scenarios = new Set(asked.checks.flatMap((name) => declared.get(name)?.scenario ?? []));
    const parts = [...scenarios].flatMap((scenario) =>
      PHASES.map((phase): Part => ({ scenario, phase, name: `${scenario.name}-${phase}` })),
    );
    const files: Record<string, string | Uint8Array> = hvm
      ? await ownImages(image, parts)
      : { image, "soft_reset.so": await providePreload(release, progress, { signal }) };
    const run = await runDom0Steps({
      xen: asked.xen,
      qemu,
      dom0,
      store: "oxenstored",
      steps: parts.map(({ name }) => ({ name, script: script(name, hvm) })),
      configs: Object.fromEntries(parts.map((part) => [part.name, config(part, hvm)])),
      files,
      domainsMiB: DOMAINS_MIB,
      pcpus: 1,
      stepMs: STEP_MS,
      signal: asked.signal,
      onLog: asked.onLog,
      onStep: (index, result) => {
        const part = parts[index];
        if (part === undefined) return;
        const records = result === null ? [begun(part)] : resultsOf(part, result, wanted);
        for (const record of records) asked.onRecord(record);
      },
    });
    asked.signal.throwIfAborted();
    return {
      verdict: run.error === null ? "exit" : "timeout",
      message: run.error ?? "",
      guestCode: run.error === null ? 0 : null,
      stage: "verdict",
      damage: [],
      log: run.log,
      trap: null,
      xen: { banner: run.banner },
    };
  };
  return { machine: prepare.machine, plan: () => Promise.resolve(planned), prepare, boot };
}

function cmdline({ scenario, phase }: Part): string {
  return `scenario=${scenario.name} toolstack=xl${phase === "control" ? " control=1" : ""}`;
}

/** One for each domain of type hvm: its command line is in it. */
async function ownImages(image: string, parts: Part[]): Promise<Record<string, Uint8Array>> {
  const bytes = await readFile(image);
  return Object.fromEntries(
    parts.map((part) => [`image-${part.name}`, withRunBlock(bytes, { cmdline: cmdline(part) })]),
  );
}

function config(part: Part, hvm: boolean): string {
  return xlConfig({
    name: part.name,
    type: hvm ? "hvm" : "pvh",
    image: `/run/xenlet/${hvm ? `image-${part.name}` : "image"}`,
    memoryMiB: Math.max(part.scenario.memoryMiB, MEMORY_MIB),
    vcpus: part.scenario.vcpus,
    cmdline: cmdline(part),
    actions: { soft_reset: "soft-reset" },
  });
}

function script(name: string, hvm: boolean): string {
  const create = hvm
    ? `create ${name}`
    : `LD_PRELOAD=/run/xenlet/soft_reset.so xl create /run/xenlet/${name}.cfg`;
  return `${create} && story ${name}; console ${name}`;
}

function begun({ scenario, phase }: Part): GuestRecord {
  return record("scenario", `name=${scenario.name} phase=${phase}`);
}

/** A scenario makes all of its checks, also where only one was asked for. */
function resultsOf(
  { phase }: Part,
  { output }: StepResult,
  wanted: ReadonlySet<string>,
): GuestRecord[] {
  return output
    .filter((line) => line.startsWith(CHECK_LINE))
    .map((line) => line.slice(CHECK_LINE.length))
    .filter((payload) => wanted.has(/^name=(\S+)/.exec(payload)?.[1] ?? ""))
    .map((payload) => record("check", `phase=${phase} ${payload}`));
}

function record(kind: string, payload: string): GuestRecord {
  return { kind, payload, seq: 0, signed: true };
}
