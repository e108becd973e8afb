// The bridge from tests in guests to vitest: what a guest reported becomes tests of the file that called, one
// for each assertion, by name and with the guest's source line.

import { resolve } from "node:path";
import { describe, test } from "vitest";

import { runTestFile, type TestOptions } from "../../src/testing/run-file.js";
import {
  isFailure,
  type Assertion,
  type FileResult,
  type GroupResult,
  type Place,
  type TestResult,
} from "../../src/testing/model.js";

/** Builds and boots a guest's test file, and registers its tests: `await guestTests(file)` at a test file's top level. */
export async function guestTests(file: string, options: Partial<TestOptions> = {}): Promise<void> {
  const { qemu, xen } = await import("./ground.js");
  registerGuestTests(await runTestFile(file, { xen, qemu, ...options }));
}

/** One group a file, which is red if the boot was, with or without tests in it. */
export function registerGuestTests(result: FileResult): void {
  const { file, problem, children, log } = result;
  describe(file, () => {
    if (problem !== null)
      test(`${file} (${problem.kind})`, () => {
        const lines = [problem.message, ...problem.details, `log: ${log ?? "none"}`];
        throw new GuestFailure(lines.join("\n"), { file, line: 1 });
      });
    for (const child of children) register(child);
    if (problem === null && children.length === 0)
      test(file, () => {
        throw new GuestFailure("the guest reported no tests", { file, line: 1 });
      });
  });
}

function register(child: GroupResult | TestResult): void {
  if (child.type === "test") {
    registerTest(child);
    return;
  }
  describe(child.name, () => {
    for (const one of child.children) register(one);
  });
}

function registerTest(result: TestResult): void {
  const { name, status, message, place } = result;
  if (status === "skipped") {
    test.skip(`${name} (${message ?? ""})`);
  } else if (status === "todo") {
    test.todo(name);
  } else if (status === "not-run") {
    test(`${name}${at(place)}`, () => {
      throw new GuestFailure(message ?? status, place);
    });
  } else {
    describe(`${name}${at(place)}`, () => {
      for (const site of sites(result.assertions)) registerAssertion(site);
      // The rest of what can be wrong with it: that it came to its end, and asserted something.
      if (isFailure(status) && (message !== null || result.assertions.every(({ ok }) => ok)))
        test(`(${status})`, () => {
          const frames = result.frames.map((frame) => `  in ${frame}`);
          throw new GuestFailure([message ?? status, ...frames].join("\n"), place);
        });
    });
  }
}

/** One in a loop is one test, which fails if it failed once. */
function sites(assertions: Assertion[]): Assertion[][] {
  const found = new Map<string, Assertion[]>();
  for (const assertion of assertions) {
    const key = assertion.text + at(assertion.place);
    found.set(key, [...(found.get(key) ?? []), assertion]);
  }
  return [...found.values()];
}

function registerAssertion(site: Assertion[]): void {
  const [first] = site as [Assertion];
  test(`${first.text}${at(first.place)}`, () => {
    const failed = site.find(({ ok }) => !ok);
    if (failed === undefined) return;
    const values = { expected: failed.expected ?? "", actual: failed.actual ?? "" };
    throw new GuestFailure(
      `${failed.text}: expected ${values.expected}, actual ${values.actual}`,
      failed.place,
      values,
    );
  });
}

function at(place: Place | null): string {
  return place === null ? "" : ` (${place.file}:${place.line})`;
}

/** Its stack is the guest's place alone, which vitest shows with the lines around it. */
class GuestFailure extends Error {
  override readonly name = "GuestFailure";
  /** Vitest shows how they differ. */
  readonly expected: string | undefined;
  readonly actual: string | undefined;

  constructor(message: string, place: Place | null, values?: { expected: string; actual: string }) {
    super(message);
    const frame = place === null ? "" : `\n    at guest (${resolve(place.file)}:${place.line}:1)`;
    this.stack = `GuestFailure: ${message}${frame}`;
    this.expected = values?.expected;
    this.actual = values?.actual;
  }
}
