import type { Qemu, XenBinary } from "../../src/host/debian/index.js";

/** What one round came to. */
export interface Tally {
  /** Units that were done, those that failed included. */
  done: number;
  /** One text for each that failed, with what finds it again: a log, a seed. */
  failures: string[];
}

/** What every round may use. */
export interface Setup {
  xen: XenBinary;
  qemu: Qemu;
  signal: AbortSignal;
  /** Options of `xenlet conform` for the races. */
  races: readonly string[];
  /** An image of that guest, built when it is first asked for. */
  image(entry: string): Promise<string>;
  /** Runs a command in the tree, its output in a log that the failure names; true to its exit code. */
  command(name: string, words: string[], env?: Record<string, string>): Promise<string | null>;
}

export interface SoakStep {
  /** What ONLY= selects by. */
  name: string;
  title: string;
  /** What is counted, in the plural: "boots". */
  unit: string;
  /** So many in all, over as many calls of `make soak` as it takes. */
  target: number;
  /** Some minutes at most: what is interrupted in the middle of one is done again. `from`: how many were done before. */
  round(from: number, setup: Setup): Promise<Tally>;
}
