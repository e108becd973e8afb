/** What a step took: of the wall clock, and of CPU time by itself and by everything that it started and that has ended. */
import { readFileSync } from "node:fs";

export interface Cost {
  wallS: number;
  cpuS: number;
}

/** utime, stime, cutime and cstime are the 14th to 17th: proc(5). The name, which may have blanks, ends with a bracket. */
const AFTER_NAME = 14 - 3;
/** USER_HZ, as every Linux has it. */
const TICKS_PER_S = 100;

/** Where test files write what they took, as {@link FileCost}: a folder's path, in the environment. */
export const COSTS_FOLDER = "XENLET_TEST_COSTS";

export interface FileCost {
  /** Absolute. */
  file: string;
  cpuS: number;
}

/** Of this process and of what it started and has waited for, in s; 0 where the kernel does not tell. */
export function cpuSeconds(): number {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(AFTER_NAME, AFTER_NAME + 4).map(Number);
    return ticks.reduce((sum, one) => sum + one, 0) / TICKS_PER_S;
  } catch {
    return 0;
  }
}

/** Not a variable of this module, which is loaded anew where a test file resets the modules. */
const COUNTED = Symbol.for("xenlet.test.counted");
const counts = globalThis as { [COUNTED]?: number };

/** What this process used since it was asked last: test files may share one, one after the other. */
export function cpuSecondsSinceLast(): number {
  const before = counts[COUNTED] ?? 0;
  const now = cpuSeconds();
  counts[COUNTED] = now;
  return now - before;
}

/** Begins to count; the function returned tells what it came to so far. */
export function startCost(): () => Cost {
  const wall = performance.now();
  const cpu = cpuSeconds();
  return () => ({ wallS: (performance.now() - wall) / 1000, cpuS: cpuSeconds() - cpu });
}

export function describeCost({ wallS, cpuS }: Cost): string {
  return `${wallS.toFixed(1)} s, CPU ${cpuS.toFixed(1)} s`;
}
