// The bridge from tests in guests to vitest: what a guest reported becomes tests of the file that called, one
// for each assertion, by name and with the guest's source line.

import { resolve } from "node:path";
import { describe, test } from "vitest";

import { runTestFile, type TestOptions } from "../../src/host/suites/guest-tests/run-file.js";
import { sourceLines } from "../../src/host/suites/guest-tests/source-lines.js";
import { oneLine } from "../../src/host/base/text.js";
import type { Place } from "../../src/host/report/model.js";
import {
  isFailure,
  type Assertion,
  type FileResult,
  type GroupResult,
  type TestResult,
} from "../../src/host/suites/guest-tests/model.js";

/** Builds and boots a guest's test file, and registers its tests: `await guestTests(file)` at a test file's top level. */
export async function guestTests(file: string, options: Partial<TestOptions> = {}): Promise<void> {
  const { qemu, xen } = await import("./setup.js");
  registerGuestTests(await runTestFile(file, { xen, qemu, ...options }));
}

/** One group a file, which is red if the boot was, with or without tests in it. */
export function registerGuestTests(result: FileResult): void {
  const { file, problem, children, log } = result;
  describe(oneLine(file), () => {
    if (problem !== null)
      test(`${oneLine(file)} (${problem.kind})`, () => {
        throw new GuestFailure([problem.message, ...problem.details, `log: ${log ?? "none"}`]);
      });
    for (const child of children) register(child);
    if (problem === null && children.length === 0)
      test(oneLine(file), () => {
        throw new GuestFailure(["the guest reported no tests"]);
      });
  });
}

function register(child: GroupResult | TestResult): void {
  if (child.type === "test") {
    registerTest(child);
    return;
  }
  describe(oneLine(child.name), () => {
    for (const one of child.children) register(one);
  });
}

function registerTest(result: TestResult): void {
  const { status, message, place } = result;
  const name = oneLine(result.name);
  if (status === "skipped") {
    test.skip(`${name} (${oneLine(message ?? "")})`);
  } else if (status === "todo") {
    test.todo(name);
  } else if (status === "not-run") {
    test(`${name}${at(place)}`, () => {
      throw new GuestFailure([message ?? status], place);
    });
  } else {
    describe(`${name}${at(place)}`, () => {
      for (const site of sites(result.assertions)) registerAssertion(site);
      // The rest of what can be wrong with it: that it came to its end, and asserted something.
      if (isFailure(status) && (message !== null || result.assertions.every(({ ok }) => ok)))
        test(`(${status})`, () => {
          const frames = result.frames.map((frame) => `  in ${frame}`);
          throw new GuestFailure([message ?? status, ...frames], place);
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
  test(`${oneLine(first.text)}${at(first.place)}`, () => {
    const failed = site.find(({ ok }) => !ok);
    if (failed === undefined) return;
    const values = { expected: failed.expected ?? "", actual: failed.actual ?? "" };
    throw new GuestFailure(
      [`${failed.text}: expected ${values.expected}, actual ${values.actual}`],
      failed.place,
      values,
    );
  });
}

function at(place: Place | null): string {
  return place === null ? "" : ` (${place.file}:${place.line})`;
}

const source = sourceLines();

/** Its stack is the guest's place alone; vitest shows the lines only of what it loaded itself, so that one is in the message. */
class GuestFailure extends Error {
  override readonly name = "GuestFailure";
  /** Vitest shows how they differ. */
  readonly expected: string | undefined;
  readonly actual: string | undefined;

  constructor(
    lines: string[],
    place: Place | null = null,
    values?: { expected: string; actual: string },
  ) {
    const line = place === null ? null : source(place);
    const shown = line === null ? [] : [`  ${place?.line ?? ""} | ${line}`];
    super([...lines, ...shown].map(oneLine).join("\n"));
    const frame = place === null ? "" : `\n    at guest (${resolve(place.file)}:${place.line}:1)`;
    this.stack = `GuestFailure: ${this.message}${frame}`;
    this.expected = values && oneLine(values.expected);
    this.actual = values && oneLine(values.actual);
  }
}
