// Runs modules in a guest on Xen and under V8, and tells which of them do not agree.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bootGuest } from "../../src/host/boot/boot.js";
import { provideQemu, provideXen } from "../../src/host/debian/index.js";
import { fieldsOf } from "../../src/host/protocol/record.js";
import { createProgress } from "../../src/host/base/progress.js";
import { arithmeticModule } from "./arithmetic.js";
import { buildBatch, type BatchOptions, type Case } from "./batch.js";
import { exposed } from "./exports.js";
import { randomModule } from "./generate.js";
import { callsOf, outcomeOf, type Call, type Outcome } from "./outcome.js";
import { simdModule } from "./simd.js";
import { vectorModule } from "./vectors.js";

/**
 * random: Binaryen's fuzzer; arithmetic: dense in numeric instructions; vectors: loops over unaligned memory, which
 * gcc does as vectors; simd: Wasm's own.
 */
export type Kind = "random" | "arithmetic" | "vectors" | "simd";

export async function moduleOf(kind: Kind, seed: number): Promise<Uint8Array> {
  return {
    random: randomModule,
    arithmetic: arithmeticModule,
    vectors: vectorModule,
    simd: simdModule,
  }[kind](seed);
}

export interface Disagreement {
  seed: number;
  wasm: Uint8Array;
  calls: Call[];
  /** Digests. */
  guest: string;
  v8: string;
  /** The first step after which they differ: `call3`, `globals0`, `memory`. */
  step: string;
}

export interface RunReport {
  /** Those that have something to call. */
  modules: number;
  calls: number;
  /** Traps that V8 saw, by class (driver.c). */
  traps: Map<number, number>;
  disagreements: Disagreement[];
}

const quiet = createProgress(process.stderr, { quiet: true });

/** What a call came to: its i32 result, if it has one, and the trap's kind or `none`. */
export interface Step {
  digest: string;
  value: number;
  trap: string;
}

export async function bootBatch(
  image: string,
  cmdline: string,
  timeoutMs = 300_000,
): Promise<{ steps: Map<string, Step>; whole: Map<number, string> }> {
  const [xen, qemu] = [await provideXen("4.17", quiet), await provideQemu(quiet)];
  const result = await bootGuest({
    image,
    xen,
    qemu,
    cmdline,
    on: "dom0",
    memoryMiB: 256,
    timeoutMs,
  });
  if (result.verdict !== "exit" || result.damage.length > 0)
    throw new Error(
      `the guest did not finish its batch: ${result.message}\n${result.tail.join("\n")}`,
    );
  const steps = new Map<string, Step>();
  const whole = new Map<number, string>();
  for (const record of result.records) {
    if (record.kind !== "fuzz") continue;
    const fields = fieldsOf(record);
    const [number, step, digest = ""] = ["module", "step", "digest"].map((key) => fields?.get(key));
    const [value, trap = ""] = ["value", "trap"].map((key) => fields?.get(key));
    if (step === undefined) whole.set(Number(number), digest);
    else steps.set(step, { digest, value: Number(value), trap });
  }
  return { steps, whole };
}

interface Prepared extends Case {
  outcome: Outcome;
}

export function prepare(
  number: number,
  wasm: Uint8Array,
  calls?: Call[],
  timeLimitMs?: number,
): Prepared {
  const made = exposed(wasm);
  const wanted = calls ?? callsOf(made, number);
  return { number, exposed: made, calls: wanted, outcome: outcomeOf(made, wanted, timeLimitMs) };
}

/** How to build a batch, but for where; how long its guest may take; and who is told what has been done. */
export type HowToBuild = Omit<BatchOptions, "output"> & {
  timeoutMs?: number;
  onStage?: (stage: string) => void;
};

/**
 * The numbers of those cases that V8 does not agree on. Of a guest that does not end, half of the cases are looked for
 * the one that does not: it is not among them.
 */
export async function wrongCases(cases: Prepared[], how: HowToBuild = {}): Promise<Set<number>> {
  const wrong = new Set<number>();
  try {
    await withImage(cases, how, async (_, whole) => {
      for (const { number, outcome } of cases)
        if (whole.get(number) !== outcome.digest) wrong.add(number);
      return Promise.resolve();
    });
  } catch {
    if (cases.length < 2) return wrong;
    const half = Math.ceil(cases.length / 2);
    for (const some of [cases.slice(0, half), cases.slice(half)])
      for (const number of await wrongCases(some, how)) wrong.add(number);
  }
  return wrong;
}

/** Builds and boots them; `see` is handed the image, and the guest's digests by number. */
async function withImage(
  cases: Prepared[],
  { timeoutMs, onStage, ...how }: HowToBuild,
  see: (image: string, whole: Map<number, string>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-fuzz-run-"));
  try {
    const image = join(folder, "batch.elf");
    await buildBatch(cases, { ...how, output: image });
    onStage?.("in one image");
    await see(image, (await bootBatch(image, "", timeoutMs)).whole);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same, with where each goes wrong, which takes a boot each. */
export async function runCases(cases: Prepared[], how: HowToBuild = {}): Promise<Disagreement[]> {
  const disagreements: Disagreement[] = [];
  await withImage(cases, how, async (image, whole) => {
    for (const { number, exposed: made, calls, outcome } of cases) {
      const guest = whole.get(number) ?? "nothing";
      if (guest === outcome.digest) continue;
      const { steps } = await bootBatch(image, `trace=${String(number)}`);
      const step = [...outcome.trace].find(
        ([name, digest]) => steps.get(name)?.digest !== digest,
      )?.[0];
      disagreements.push({
        seed: number,
        wasm: made.wasm,
        calls,
        guest,
        v8: outcome.digest,
        step: step ?? "memory",
      });
    }
  });
  return disagreements;
}

/** Modules from `count` seeds, from `seed` on, in one guest. */
export async function runSeeds(
  kind: Kind,
  seed: number,
  count: number,
  how: HowToBuild = {},
): Promise<RunReport> {
  const cases: Prepared[] = [];
  for (let i = 0; i < count; i++) cases.push(prepare(seed + i, await moduleOf(kind, seed + i)));
  how.onStage?.("run by V8");
  const traps = new Map<number, number>();
  for (const { outcome } of cases)
    for (const trap of outcome.traps) traps.set(trap, (traps.get(trap) ?? 0) + 1);
  return {
    modules: cases.filter(({ calls }) => calls.length > 0).length,
    calls: cases.reduce((sum, one) => sum + one.calls.length, 0),
    traps,
    disagreements: await runCases(cases, how),
  };
}
