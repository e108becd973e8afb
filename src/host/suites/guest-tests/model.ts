/** What tests in guests came to, as every reporter is given it. */

import type { Place } from "../../report/model.js";

export interface Assertion {
  /** Its source text, or the name that the guest gave it. */
  text: string;
  place: Place | null;
  ok: boolean;
  /** How many times it held in a row; 1 for one that failed. */
  times: number;
  /** As the guest shows them; null for one that held. */
  expected: string | null;
  actual: string | null;
}

export type TestStatus =
  | "passed"
  /** An assertion did not hold, or there was none. */
  | "failed"
  /** The guest ended in this test, not of its own accord. */
  | "crashed"
  /** The test, or all of the guest, missed its deadline in this test. */
  | "timed-out"
  /** The guest had ended, crashed or hung before it came to this test. */
  | "not-run"
  /** The guest said why. */
  | "skipped"
  | "todo";

export interface TestResult {
  type: "test";
  name: string;
  /** Names of the groups that it is in, outermost first. */
  groups: string[];
  place: Place | null;
  status: TestStatus;
  /** One sentence: why it failed, or was skipped; null if its assertions tell, or there is nothing to tell. */
  message: string | null;
  /** Where the guest crashed, innermost first. */
  frames: string[];
  assertions: Assertion[];
  /** By the guest's clock; null if it did not come to its end. */
  durationMs: number | null;
  /** What the guest printed meanwhile. */
  output: string[];
}

export interface GroupResult {
  type: "group";
  name: string;
  place: Place | null;
  children: (GroupResult | TestResult)[];
}

/** What failed in a file but belongs to none of its tests. */
export interface Problem {
  kind:
    | "build"
    /** QEMU, the disk, …: nothing the guest did. */
    | "host"
    /** A setting of the file, or an image that cannot work. */
    | "input"
    | "crash"
    | "timeout"
    /** The guest's account of its tests is incomplete, or contradicts itself. */
    | "records";
  message: string;
  /** More lines: a compiler's diagnostics, a backtrace, a hint. */
  details: string[];
}

export interface FileResult {
  /** As it was named. */
  file: string;
  children: (GroupResult | TestResult)[];
  problem: Problem | null;
  /** Why nothing of it was run, though nothing is wrong with it. */
  notRun?: string;
  /** What the guest printed outside of tests. */
  output: string[];
  /** From QEMU's start to its end; 0 if it was not started. */
  durationMs: number;
  buildMs: number;
  /** The serial console. */
  log: string | null;
}

export interface RunResult {
  /** What it ran on: "Xen 4.17 (Debian 4.17.7+13-g…)". */
  xen: string;
  files: FileResult[];
  durationMs: number;
  /** Where and when; absent in results that were not run here. */
  machine?: {
    /** ISO 8601. */
    began: string;
    hostname: string;
    /** QEMU's version. */
    qemu: string;
  };
}

const FAILURES: readonly TestStatus[] = ["failed", "crashed", "timed-out", "not-run"];

export function isFailure(status: TestStatus): boolean {
  return FAILURES.includes(status);
}

/** All tests below, in the order in which they stand. */
export function testsOf(children: (GroupResult | TestResult)[]): TestResult[] {
  return children.flatMap((child) => (child.type === "test" ? [child] : testsOf(child.children)));
}

export function fileFailed({ problem, children }: FileResult): boolean {
  return problem !== null || testsOf(children).some(({ status }) => isFailure(status));
}

export interface Counts {
  passed: number;
  /** Failed, crashed and timed out. */
  failed: number;
  notRun: number;
  skipped: number;
  todo: number;
  /** How many assertions held or not, repetitions included. */
  assertions: number;
  files: number;
  failedFiles: number;
}

export function count(files: FileResult[]): Counts {
  const tests = files.flatMap((file) => testsOf(file.children));
  const having = (...statuses: TestStatus[]): number =>
    tests.filter((test) => statuses.includes(test.status)).length;
  return {
    passed: having("passed"),
    failed: having("failed", "crashed", "timed-out"),
    notRun: having("not-run"),
    skipped: having("skipped"),
    todo: having("todo"),
    assertions: tests.flatMap((test) => test.assertions).reduce((sum, { times }) => sum + times, 0),
    files: files.length,
    failedFiles: files.filter(fileFailed).length,
  };
}
