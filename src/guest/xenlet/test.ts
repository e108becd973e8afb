// Tests in a guest: `import { test, group, expect } from "xenlet/test"`.
//
//   group("poll", () => {
//     test("a ready port returns at once", () => {
//       expect(sched.poll([port])).toBe(PollWake.EVENT);
//     });
//   });
//
// Everything runs where it stands, in order, and each step is a record of its own, so that a crash loses only
// what came after it. A failed assertion does not end its test; a test that asserts nothing has failed. At the
// end of the program the exit code is 1 if anything failed.
//
// The compiler adds the last arguments, `file` and `line`, and an assertion's name, which is its source text
// (src/host/build/asc/transform/test-sites.ts). AssemblyScript has no closures: a test's state lives in globals.
//
// Records of kind `test`, read by src/host/suites/guest-tests/collector.ts and described in docs/records.md:
//
//   event=group  file= line= text=<name>      event=ungroup
//   event=start  file= line= text=<name>      event=done assertions= failures= ns=
//   event=pass   file= line= text=<assertion>
//   event=repeat count=                       the assertion before it held that many times more
//   event=fail   expected= actual= file= line= text=<assertion>
//   event=skip   reason= file= line= text=<name>
//   event=todo   file= line= text=<name>
//   event=end    passed= failed= skipped= todo=
//
// In all fields but `text`, `%` is %25 and a space is %20; `text` is last and stands as it is.

import { record } from "./internal/console/record";
import { wayToRun } from "./internal/start/run";
import { onFinish } from "./internal/start/runtime";
import { commandLine } from "./internal/start/start-info";
import { systemTime } from "./internal/time/time";

let running = false;
/** Of the running test. */
let assertions = 0;
let failures = 0;

let passedTests = 0;
let failedTests = 0;
let skippedTests = 0;
let todoTests = 0;

/** The last assertion if it held, and how often it has held since without a record. */
let heldName = "";
let heldLine = 0;
let repeats = 0;

/** A named set of tests, and of groups. `unless`: why it cannot run here; the empty string if it can. */
export function group(
  name: string,
  body: () => void,
  unless: string = "",
  file: string = "",
  line: i32 = 0,
): void {
  if (unless.length != 0) {
    skip(name, unless, file, line);
    return;
  }
  assert(!running, "group() inside a test()");
  onFinish(end);
  say("group", "", file, line, name);
  body();
  record("test", "event=ungroup");
}

/**
 * Runs a test, at once. `unless`: why it cannot run here, as needs() returns it; then it is reported as skipped.
 * The empty string if it can.
 */
export function test(
  name: string,
  body: () => void,
  unless: string = "",
  file: string = "",
  line: i32 = 0,
): void {
  if (unless.length != 0) {
    skip(name, unless, file, line);
    return;
  }
  assert(!running, "test() inside a test()");
  onFinish(end);
  say("start", "", file, line, name);
  running = true;
  assertions = failures = 0;
  const start = systemTime();
  body();
  const ns = systemTime() - start;
  forgetHeld();
  running = false;
  if (assertions == 0 || failures != 0) {
    failedTests++;
    process.exitCode = 1;
  } else {
    passedTests++;
  }
  record(
    "test",
    "event=done" + count("assertions", assertions) + count("failures", failures) + count("ns", ns),
  );
}

/** A test that is not run, and why. */
export function skip(name: string, reason: string, file: string = "", line: i32 = 0): void {
  onFinish(end);
  skippedTests++;
  say("skip", " reason=" + escape(reason), file, line, name);
}

/** A test that is still to be written. */
export function todo(name: string, file: string = "", line: i32 = 0): void {
  onFinish(end);
  todoTests++;
  say("todo", "", file, line, name);
}

/** For `unless`: the reason to skip if the guest was not started with this capability (runsOn), else the empty string. */
export function needs(capability: string): string {
  return runsOn(capability) ? "" : "needs " + capability;
}

/**
 * Whether the guest runs that way: `dom0`, `domu` (which `xl` and `xl-hvm` are as well), `xl`, `xl-hvm`; or whoever started
 * it put `on=<capability>` on its command line.
 */
export function runsOn(capability: string): bool {
  const way = wayToRun();
  if (way == capability || (capability == "domu" && way.startsWith("xl"))) return true;
  return (" " + commandLine() + " ").includes(" on=" + capability + " ");
}

/** An assertion about `actual`, once one of its methods is called. `name` is its source text unless given. */
export function expect<T>(actual: T, name: string = "", file: string = "", line: i32 = 0): Expectation<T> {
  return new Expectation<T>(actual, name, file, line);
}

export class Expectation<T> {
  private negated: bool = false;

  constructor(
    private actual: T,
    private name: string,
    private file: string,
    private line: i32,
  ) {}

  /** The assertion that follows must not hold. */
  get not(): Expectation<T> {
    this.negated = !this.negated;
    return this;
  }

  /** Equal numbers (a NaN is one), equal strings; the same object. */
  toBe(expected: T): void {
    if (!this.holds(same<T>(this.actual, expected))) this.fails(show<T>(expected));
  }

  /** For arrays: as many elements, each as toBe() has it. */
  toEqual(expected: T): void {
    if (!isArrayLike<T>()) ERROR("toEqual() compares arrays; toBe() compares everything else");
    if (!this.holds(sameElements<T>(this.actual, expected))) this.fails(show<T>(expected));
  }

  toBeGreaterThan(limit: T): void {
    if (!this.holds(this.actual > limit)) this.fails("> " + show<T>(limit));
  }

  toBeLessThan(limit: T): void {
    if (!this.holds(this.actual < limit)) this.fails("< " + show<T>(limit));
  }

  /** `low` and `high` are within. */
  toBeWithin(low: T, high: T): void {
    const inside = this.actual >= low && this.actual <= high;
    if (!this.holds(inside)) this.fails(show<T>(low) + " to " + show<T>(high));
  }

  toBeTrue(): void {
    if (!isBoolean<T>()) ERROR("toBeTrue() is for a bool; compare a number with toBe()");
    if (!this.holds(<bool>this.actual)) this.fails("true");
  }

  toBeFalse(): void {
    if (!isBoolean<T>()) ERROR("toBeFalse() is for a bool; compare a number with toBe()");
    if (!this.holds(!(<bool>this.actual))) this.fails("false");
  }

  private holds(result: bool): bool {
    if (result == this.negated) return false;
    held(this.name, this.file, this.line);
    return true;
  }

  private fails(expected: string): void {
    failed(
      this.negated ? "not " + expected : expected,
      show<T>(this.actual),
      this.name,
      this.file,
      this.line,
    );
  }
}

/** An assertion in a loop would say the same thousands of times: only the first is a record, the rest are counted. */
function held(name: string, file: string, line: i32): void {
  assertions++;
  if (line != 0 && line == heldLine && changetype<usize>(name) == changetype<usize>(heldName)) {
    repeats++;
    return;
  }
  say("pass", "", file, line, name);
  heldName = name;
  heldLine = line;
}

function failed(expected: string, actual: string, name: string, file: string, line: i32): void {
  assertions++;
  failures++;
  process.exitCode = 1;
  say("fail", " expected=" + escape(expected) + " actual=" + escape(actual), file, line, name);
}

function forgetHeld(): void {
  if (repeats != 0) record("test", "event=repeat" + count("count", repeats));
  repeats = 0;
  heldLine = 0;
}

function end(): void {
  record(
    "test",
    "event=end" +
      count("passed", passedTests) +
      count("failed", failedTests) +
      count("skipped", skippedTests) +
      count("todo", todoTests),
  );
}

function say(event: string, fields: string, file: string, line: i32, text: string): void {
  forgetHeld();
  record("test", "event=" + event + fields + " file=" + escape(file) + count("line", line) + " text=" + text);
}

/** A field. Added up, not a template: what that takes would come into the image for this alone. */
function count(key: string, value: i64): string {
  return " " + key + "=" + value.toString();
}

/** A field's value holds no space, and `%` only as an escape. */
function escape(text: string): string {
  // Not replaceAll: the code for it is as long as all the rest of this file.
  let escaped = "";
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    escaped += unit == 0x25 ? "%25" : unit == 0x20 ? "%20" : text.charAt(i);
  }
  return escaped;
}

function same<T>(a: T, b: T): bool {
  if (isFloat<T>()) return a == b || (isNaN<T>(a) && isNaN<T>(b));
  return a == b;
}

function sameElements<T>(a: T, b: T): bool {
  if (a.length != b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (!same<valueof<T>>(a[i], b[i])) return false;
  }
  return true;
}

/** A value, for a reader. */
function show<T>(value: T): string {
  if (isReference<T>()) {
    if (changetype<usize>(value) == 0) return "null";
    if (isString<T>()) return '"' + changetype<string>(value) + '"';
    if (isArrayLike<T>()) return showElements<NonNullable<T>>(value);
    return nameof<T>();
  }
  if (isBoolean<T>()) return value ? "true" : "false";
  // 64 bits for all integers: one conversion instead of one for each size.
  if (isInteger<T>()) return isSigned<T>() ? (<i64>value).toString() : (<u64>value).toString();
  return (<f64>value).toString();
}

function showElements<T>(values: T): string {
  let text = "";
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ", ";
    text += show<valueof<T>>(values[i]);
  }
  return "[" + text + "]";
}
