/**
 * make soak: what is long and does not fit into `make test`, in rounds of some minutes. What is done is kept in soak/, so that
 * the next call on the same commit continues where this one ended; each call leaves dated rows in soak/results.md.
 *
 *   --only NAME[,NAME…]   these steps (default: all)
 *   --hours H             no round begins after so long, shared by the steps; default: until each has come to its count
 *   --seconds S           what each pair of the races has (default: 60)
 *   --xen RELEASE[,…]     where they are raced (default: every release that is available)
 *   --root DIRECTORY      where soak/ is (default: this tree)
 *
 * Exits with 1 if anything failed, and with 123 for a step that is not one.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";

import { buildImage } from "../../src/host/build/build.js";
import { createProgress } from "../../src/host/base/progress.js";
import { provideQemu, provideXen } from "../../src/host/debian/index.js";
import { startCost } from "../runner/cost.js";
import { SoakProgress } from "./progress.js";
import type { Setup, SoakStep } from "./step.js";
import { soakSteps } from "./steps.js";

const HOUR_S = 3600;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    hours: { type: "string" },
    seconds: { type: "string", default: "60" },
    xen: { type: "string" },
    root: { type: "string", default: "." },
  },
});

function refuse(message: string): never {
  console.error(message);
  process.exit(123);
}

function select(only: string | undefined): SoakStep[] {
  if (only === undefined) return soakSteps;
  const names = only.split(",").filter((name) => name !== "");
  const known = soakSteps.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0 || names.length === 0)
    refuse(`no soak is named "${unknown.join('", "')}"; there are: ${known.join(", ")}`);
  return soakSteps.filter(({ name }) => names.includes(name));
}

const steps = select(values.only);
const hours = values.hours === undefined ? Infinity : Number(values.hours);
if (!(hours > 0)) refuse(`HOURS is "${values.hours ?? ""}": expected a number above 0`);

if (!(Number(values.seconds) > 0))
  refuse(`SECONDS is "${values.seconds}": expected a number above 0`);

const stop = new AbortController();
process.once("SIGINT", () => {
  stop.abort(new Error("interrupted"));
});

const folder = path.join(path.resolve(values.root), "soak");
const logs = path.join(folder, "logs");
await mkdir(logs, { recursive: true });
const { stdout: tree } = await execa("git", ["describe", "--always", "--dirty"]);
const kept = await SoakProgress.open(folder, tree);
const images = await mkdtemp(path.join(tmpdir(), "xenlet-soak-"));
const built = new Map<string, Promise<string>>();
const quiet = createProgress(process.stderr, { quiet: true });

const setup: Setup = {
  xen: await provideXen("4.17", quiet),
  qemu: await provideQemu(quiet),
  signal: stop.signal,
  races: [
    ...["--race-for", values.seconds],
    ...(values.xen === undefined ? [] : ["--xen", values.xen]),
  ],
  image(entry) {
    const output = path.join(images, `${String(built.size)}.elf`);
    const image = built.get(entry) ?? buildImage({ entry, output }).then(() => output);
    built.set(entry, image);
    return image;
  },
  async command(name, [command = "", ...args], env = {}) {
    const log = path.join(logs, `${name}.log`);
    await writeFile(log, "");
    const output = { file: log, append: true } as const;
    const result = await execa(command, args, {
      stdio: ["ignore", output, output],
      env: { NO_COLOR: "1", ...env },
      cancelSignal: stop.signal,
      reject: false,
    });
    stop.signal.throwIfAborted();
    return result.failed ? `${result.shortMessage ?? command} (${log})` : null;
  },
};

/** Rounds until the count or the time is reached; the round under way is finished. */
async function soak(step: SoakStep, untilMs: number): Promise<void> {
  while (!kept.isComplete(step) && performance.now() < untilMs) {
    const cost = startCost();
    const tally = await step.round(kept.of(step).done, setup);
    await kept.add(step, tally, cost());
    for (const failure of tally.failures) console.log(`${step.name}: FAILED: ${failure}`);
    const { done, failures } = kept.of(step);
    console.log(`${step.name}: ${done} of ${step.target} ${step.unit}, ${failures.length} failed`);
  }
}

let failed = 0;
const end = performance.now() + hours * HOUR_S * 1000;
try {
  for (const [index, step] of steps.entries()) {
    const left = end - performance.now();
    await soak(step, performance.now() + left / (steps.length - index));
    failed += kept.of(step).failures.length;
    console.log(await kept.conclude(step, setup.xen.debianVersion ?? setup.xen.release));
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log("interrupted: make soak goes on from here");
  process.exitCode = 130;
} finally {
  await rm(images, { recursive: true, force: true });
}
if (failed > 0) process.exitCode = 1;
