// Random modules do in a guest on Xen what they do under V8: results, traps, final globals and memory.
// Why: there are more ways for a compiler to be wrong than anyone can list; two that were never seen together disagree where
// one is. Fails if any operation, check, branch or memory access is lowered to something else. `make fuzz` runs the
// same over tens of thousands; the seeds here are fixed, so that a failure is everybody's. The controls lower one
// operation wrongly, and show that it is found; that it is then made small enough to read: test/unit/fuzz.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

import { extent } from "../fixtures/extent.js";
import { buildBatch } from "../fuzz/batch.js";
import { moduleOf, prepare, runCases, runSeeds } from "../fuzz/run.js";
import { LOOP_OF_WIDTH, loopOfEachWidth } from "../fuzz/vectors.js";
import { scratch } from "./setup.js";

const MINUTE = 60_000;

describe("the guest agrees with V8", () => {
  test("on modules of Binaryen's fuzzer", { timeout: 5 * MINUTE }, async () => {
    const report = await runSeeds("random", 1, extent(16, 200));
    expect(report.disagreements.map(({ seed, step }) => `seed ${seed} at ${step}`)).toEqual([]);
    expect(report.calls).toBeGreaterThan(extent(50, 1000));
  });

  test("on modules dense in arithmetic", { timeout: 5 * MINUTE }, async () => {
    const report = await runSeeds("arithmetic", 1, extent(20, 60));
    expect(report.disagreements.map(({ seed, step }) => `seed ${seed} at ${step}`)).toEqual([]);
    // Memory, division, conversion, the table, an indirect call's type: driver.c has the numbers.
    expect([...report.traps.keys()]).toEqual(expect.arrayContaining([2, 3, 4, 5, 6]));
  });

  test(
    "on loops over unaligned memory, which gcc does as vectors",
    { timeout: 5 * MINUTE },
    async () => {
      const report = await runSeeds("vectors", 1, extent(4, 30));
      expect(report.disagreements.map(({ seed, step }) => `seed ${seed} at ${step}`)).toEqual([]);
      expect(report.traps.size).toBe(0);
    },
  );

  test("on modules dense in SIMD", { timeout: 5 * MINUTE }, async () => {
    const seeds = extent(4, 40);
    const report = await runSeeds("simd", 1, seeds);
    expect(report.disagreements.map(({ seed, step }) => `seed ${seed} at ${step}`)).toEqual([]);
    expect(report.calls).toBe(12 * seeds);
  });

  // Stores to an address that is a comparison's result; a load that only says that a float is a number.
  test("on modules that it did not agree on once", { timeout: 5 * MINUTE }, async () => {
    const cases = await Promise.all(
      [110000436, 110006032, 110005444].map(async (seed) =>
        prepare(seed, await moduleOf("random", seed)),
      ),
    );
    expect(await runCases(cases)).toEqual([]);
    const again = await runCases(cases, { flags: ["-ftree-pta", "-D__builtin_constant_p(x)=1"] });
    expect(again.map(({ seed, step }) => [seed, step])).toEqual([
      [110000436, "memory"],
      [110006032, "memory"],
      [110005444, "call6"],
    ]);
  });

  test("on a loop of each width, which gcc does as vectors unless it is told not to", async () => {
    const cases = [prepare(1, await loopOfEachWidth())];
    expect(await runCases(cases)).toEqual([]);
    const widths = async (flags: string[]): Promise<string[]> => {
      const image = scratch("vectors.elf");
      await buildBatch(cases, { output: image, flags });
      const { stdout } = await promisify(execFile)("objdump", ["-d", image], {
        maxBuffer: 2 ** 28,
      });
      const functions = stdout.split(/\n\n/);
      return LOOP_OF_WIDTH.flatMap(([name], index) => {
        const body = functions.find((text) => text.includes(`<m1_call${String(index)}>:`)) ?? "";
        return /\tmov(?:dqu|ups|upd) /.test(body) ? [name] : [];
      });
    };
    expect(await widths([])).toEqual(LOOP_OF_WIDTH.map(([name]) => name));
    expect(await widths(["-fno-tree-vectorize"])).toEqual([]);
  });
});

test(
  "the control: an operation that is lowered wrongly is found",
  { timeout: 5 * MINUTE },
  async () => {
    const { disagreements } = await runSeeds("arithmetic", 5, 4, {
      flags: ["-D__builtin_clz=__builtin_ctz"],
    });
    expect(disagreements.map(({ seed, step }) => [seed, step])).toEqual([[7, "call5"]]);
  },
);
