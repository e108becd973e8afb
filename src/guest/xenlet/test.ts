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
// As in vitest there are test.only(), test.skip(), group.only(), group.skip(), beforeAll(), beforeEach(), afterEach() and
// afterAll(). `only` is seen when the file is compiled: it holds for tests before it, too.
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
//   event=unselected file= line= text=<name>  the host asked for others: XENLET_TEST_FILTER, XENLET_TEST_ONLY
//   event=trap   kind= file= line= text=      this test is to end in that trap; the host boots again for the rest,
//                                             with XENLET_TEST_FROM, the number of tests reported so far
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

/** The trap that the running test is to end in; the empty string: none. */
let expectedTrap = "";

// What the host asks for: the tests whose names match, those of only(), and of these the ones that no earlier boot has reported.
const filters = asked("XENLET_TEST_FILTER").split("\n");
const onlyMarked = asked("XENLET_TEST_ONLY") == "1";
const told = <i32>parseInt("0" + asked("XENLET_TEST_FROM"));

function asked(name: string): string {
  return process.env.has(name) ? process.env.get(name) : "";
}

/** How many tests came before, the skipped ones included; and how many were run. */
let seen = 0;
let testsRun = 0;
/** Names of the groups around, each followed by a blank; and how many of them are only(). */
let path = "";
let onlyGroups = 0;

/** Of the groups around, outermost first. */
const beforeAllHooks: Array<() => void> = [];
const beforeEachHooks: Array<() => void> = [];
const afterEachHooks: Array<() => void> = [];
const afterAllHooks: Array<() => void> = [];
/** How many of beforeAllHooks have run. */
let begun = 0;

/** Counts a test; returns whether no earlier boot has reported it. */
function isNew(): bool {
  return ++seen > told;
}

/** `*` stands for anything, as in the host's own filters; without one, `pattern` is a part of `text`. */
function fits(text: string, pattern: string): bool {
  const parts = pattern.split("*");
  if (parts.length == 1) return text.includes(pattern);
  const last = parts[parts.length - 1];
  if (!text.startsWith(parts[0]) || text.length < parts[0].length + last.length) return false;
  let at = parts[0].length;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = text.indexOf(parts[i], at);
    if (found < 0) return false;
    at = found + parts[i].length;
  }
  return at <= text.length - last.length && text.endsWith(last);
}

function isSelected(name: string, only: bool): bool {
  if (onlyMarked && !only && onlyGroups == 0) return false;
  const whole = path + name;
  for (let i = 0; i < filters.length; i++) if (fits(whole, filters[i])) return true;
  return false;
}

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
  const before = path;
  const all = beforeAllHooks.length;
  const each = beforeEachHooks.length;
  const eachAfter = afterEachHooks.length;
  const allAfter = afterAllHooks.length;
  const ran = testsRun;
  path += name + " ";
  body();
  path = before;
  runAfterAll(allAfter, testsRun > ran);
  beforeAllHooks.length = all;
  beforeEachHooks.length = each;
  afterEachHooks.length = eachAfter;
  begun = min(begun, all);
  record("test", "event=ungroup");
}

export namespace group {
  /** Of the file's tests, those in here and of other only()s alone are run. */
  export function only(
    name: string,
    body: () => void,
    unless: string = "",
    file: string = "",
    line: i32 = 0,
  ): void {
    onlyGroups++;
    group(name, body, unless, file, line);
    onlyGroups--;
  }

  /** Its tests are not run. */
  export function skip(name: string, body: () => void, file: string = "", line: i32 = 0): void {
    group(name, body, "skipped", file, line);
  }
}

/** `run` is called before the first test that is run of this group, or file. */
export function beforeAll(run: () => void): void {
  beforeAllHooks.push(run);
}

/** `run` is called in each test of this group, or file, that follows, before its body. */
export function beforeEach(run: () => void): void {
  beforeEachHooks.push(run);
}

/** `run` is called in each test of this group, or file, that follows, after its body. The last one comes first. */
export function afterEach(run: () => void): void {
  afterEachHooks.push(run);
}

/** `run` is called at the end of this group, or file, if one of its tests was run. The last one comes first. */
export function afterAll(run: () => void): void {
  afterAllHooks.push(run);
}

function runAfterAll(from: i32, ran: bool): void {
  while (afterAllHooks.length > from) {
    const run = afterAllHooks.pop();
    if (ran) run();
  }
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
  runTest(name, body, unless, false, file, line);
}

export namespace test {
  /** Of the file's tests, those of only()s alone are run. */
  export function only(
    name: string,
    body: () => void,
    unless: string = "",
    file: string = "",
    line: i32 = 0,
  ): void {
    runTest(name, body, unless, true, file, line);
  }

  /** It is not run. */
  export function skip(name: string, body: () => void, file: string = "", line: i32 = 0): void {
    runTest(name, body, "skipped", false, file, line);
  }
}

function runTest(name: string, body: () => void, unless: string, only: bool, file: string, line: i32): void {
  if (unless.length != 0) {
    skip(name, unless, file, line);
    return;
  }
  assert(!running, "test() inside a test()");
  onFinish(end);
  if (!isNew()) return;
  if (!isSelected(name, only)) {
    say("unselected", "", file, line, name);
    return;
  }
  for (; begun < beforeAllHooks.length; begun++) beforeAllHooks[begun]();
  testsRun++;
  say("start", "", file, line, name);
  running = true;
  assertions = failures = 0;
  const start = systemTime();
  for (let i = 0; i < beforeEachHooks.length; i++) beforeEachHooks[i]();
  body();
  if (expectedTrap.length != 0) {
    failed("a trap: " + expectedTrap, "none", "expectTrap", file, line);
    expectedTrap = "";
  }
  for (let i = afterEachHooks.length - 1; i >= 0; i--) afterEachHooks[i]();
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
  if (!isNew()) return;
  skippedTests++;
  say("skip", " reason=" + escape(reason), file, line, name);
}

/** A test that is still to be written. */
export function todo(name: string, file: string = "", line: i32 = 0): void {
  onFinish(end);
  if (!isNew()) return;
  todoTests++;
  say("todo", "", file, line, name);
}

/**
 * The running test ends in this trap, by what it does next: `out-of-bounds`, `unreachable`, … (docs/records.md), `abort`
 * for a failed assert() or a throw. The guest is lost with it, and what stands behind the test runs in another boot, in
 * which everything outside of tests has run once more. Without the trap the test fails.
 */
export function expectTrap(kind: string, file: string = "", line: i32 = 0): void {
  assert(running, "expectTrap() outside of a test()");
  expectedTrap = kind;
  say("trap", " kind=" + escape(kind), file, line, 'expectTrap("' + kind + '")');
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

/** What expect() returns: each of its methods is one assertion. */
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

  /** The value is above `limit`. */
  toBeGreaterThan(limit: T): void {
    if (!this.holds(this.actual > limit)) this.fails("> " + show<T>(limit));
  }

  /** The value is below `limit`. */
  toBeLessThan(limit: T): void {
    if (!this.holds(this.actual < limit)) this.fails("< " + show<T>(limit));
  }

  /** `low` and `high` are within. */
  toBeWithin(low: T, high: T): void {
    const inside = this.actual >= low && this.actual <= high;
    if (!this.holds(inside)) this.fails(show<T>(low) + " to " + show<T>(high));
  }

  /** For f32 and f64: nearer than half a unit of the last of `digits` decimal places. */
  toBeCloseTo(expected: T, digits: i32 = 2): void {
    if (!isFloat<T>()) ERROR("toBeCloseTo() compares floating point numbers; toBe() compares integers");
    let limit = 0.5;
    for (let i = 0; i < digits; i++) limit /= 10;
    const difference = Math.abs(<f64>this.actual - <f64>expected);
    if (!this.holds(difference < limit || this.actual == expected))
      this.fails(show<T>(expected) + " within " + limit.toString());
  }

  /** An array has this element, as toBe() compares; a string this part. */
  toContain<U>(item: U): void {
    if (!this.holds(contains<T, U>(this.actual, item))) this.fails("containing " + show<U>(item));
  }

  /** For arrays and strings. */
  toHaveLength(length: i32): void {
    if (!isArrayLike<T>()) ERROR("toHaveLength() is for arrays and strings");
    const actual = this.actual.length;
    if (!this.holds(actual == length))
      this.fails("length " + length.toString() + ", not " + actual.toString());
  }

  /** The reference is null. A number is refused when the test is compiled. */
  toBeNull(): void {
    if (!isReference<T>()) ERROR("toBeNull() is for references; a number is never null");
    if (!this.holds(changetype<usize>(this.actual) == 0)) this.fails("null");
  }

  /** The bool is true. Another type is refused when the test is compiled. */
  toBeTrue(): void {
    if (!isBoolean<T>()) ERROR("toBeTrue() is for a bool; compare a number with toBe()");
    if (!this.holds(<bool>this.actual)) this.fails("true");
  }

  /** The bool is false. Another type is refused when the test is compiled. */
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
  const differ = firstDifference(expected, actual);
  expected = shorten(expected, differ);
  actual = shorten(actual, differ);
  say("fail", " expected=" + escape(expected) + " actual=" + escape(actual), file, line, name);
}

/** Of a value in a message: as many characters, around where it differs. */
const MOST_SHOWN = 500;
const SHOWN_BEFORE = 100;

function firstDifference(a: string, b: string): i32 {
  const length = min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a.charCodeAt(i) != b.charCodeAt(i)) return i;
  return length;
}

function shorten(text: string, differ: i32): string {
  if (text.length <= MOST_SHOWN) return text;
  const begin = max(0, min(differ, text.length) - SHOWN_BEFORE);
  const end = min(text.length, begin + MOST_SHOWN);
  return (
    (begin > 0 ? "…" : "") +
    text.substring(begin, end) +
    (end < text.length ? "…" : "") +
    " (" +
    text.length.toString() +
    " characters)"
  );
}

function forgetHeld(): void {
  if (repeats != 0) record("test", "event=repeat" + count("count", repeats));
  repeats = 0;
  heldLine = 0;
}

function end(): void {
  runAfterAll(0, testsRun != 0);
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

function contains<T, U>(values: T, item: U): bool {
  if (isString<T>()) return changetype<string>(values).includes(changetype<string>(item));
  for (let i = 0; i < values.length; i++) {
    if (same<valueof<T>>(values[i], <valueof<T>>item)) return true;
  }
  return false;
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
