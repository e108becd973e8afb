/** From a guest's records of kind `test` (src/guest/xenlet/test.ts writes them) to its tests' results. */
import path from "node:path";
import type { TestSite } from "../../build/asc/transform/test-sites.js";
import { fieldsOf, type GuestRecord } from "../../protocol/record.js";
import { TextOutput } from "../../protocol/text-output.js";
import type { Place } from "../../report/model.js";
import type { GroupResult, Problem, TestResult } from "./model.js";
import { Plan } from "./plan.js";
import { wellFormed } from "../../base/text.js";

/** How the guest that ran the tests ended. */
export interface Ending {
  how:
    | "exit"
    | "crash"
    | "timeout"
    | "host"
    /** Nothing is wrong with the guest: enough tests had failed. */
    | "bail";
  /** One sentence. */
  message: string;
  /** What the guest said. */
  guestCode: number | null;
  /** Where it crashed, innermost first. */
  frames: string[];
}

export interface Collected {
  children: (GroupResult | TestResult)[];
  problem: Problem | null;
  output: string[];
}

/** Why a test was not run that the user did not ask for. */
export const NOT_SELECTED = "not selected";

/** What an assertion that stands in no test is put under. */
export const OUTSIDE = "(outside of any test)";

/** Takes one guest's records as they come. */
export class TestCollector {
  /** The test that has begun and not ended. */
  running: TestResult | null = null;

  readonly #folder: string;
  readonly #plan: Plan;
  readonly #root: GroupResult = { type: "group", name: "", place: null, children: [] };
  readonly #groups: GroupResult[] = [this.#root];
  readonly #output: string[] = [];
  readonly #printed = new TextOutput({
    onLine: (line) => {
      (this.running?.output ?? this.#output).push(line);
    },
  });
  /** What is wrong with the records themselves. */
  readonly #contradictions: string[] = [];
  #last: TestResult | null = null;
  /** The guest's own sums, of its last boot. */
  #sums: { passed: number; failed: number } | null = null;
  /** The trap that the running test is to end in. */
  #trap: string | null = null;
  /** Tests of boots that came before the last one. */
  #earlier: TestResult[] = [];
  /** Of the running boot: how often each group was there. */
  #visits = new Map<string, number>();
  /** How many tests the guest has reported, including skipped ones: the next boot continues after them. */
  told = 0;

  /** `entry` is the guest's file; `sites` say which tests its sources have (buildImage). */
  constructor(entry: string, sites: readonly TestSite[]) {
    this.#folder = path.dirname(entry);
    this.#plan = new Plan(sites);
  }

  /** Returns whether a test began or ended. */
  record(record: GuestRecord): "begin" | "end" | null {
    if (this.#printed.take(record) || record.kind !== "test" || !record.signed) return null;
    // An unfinished last line belongs to the test that printed it.
    this.#printed.end();
    const before = this.running;
    const fields = fieldsOf(record);
    if (fields === null || !this.#event(fields))
      this.#contradictions.push(`a test record that cannot be parsed: ${record.payload}`);
    if (this.running === before) return null;
    return this.running === null ? "end" : "begin";
  }

  #event(fields: Map<string, string>): boolean {
    const text = fields.get("text") ?? "";
    const place = this.#place(fields);
    const site = { file: fieldOf(fields, "file"), line: Number(fields.get("line")), name: text };
    switch (fields.get("event")) {
      case "group": {
        this.#plan.reach(site);
        this.#groups.push(this.#enter(text, place));
        return true;
      }
      case "ungroup":
        return this.#groups.length > 1 && this.#groups.pop() !== undefined;
      case "start":
        if (this.running !== null) return false;
        this.told++;
        this.#trap = null;
        this.running = this.#add(nameOf(this.#plan.reach(site), text), place);
        return true;
      case "pass":
      case "fail":
        return this.#assertion(fields, text, place);
      case "repeat": {
        const assertion = (this.running ?? this.#last)?.assertions.at(-1);
        const times = numberOf(fields, "count");
        if (assertion?.ok !== true || times === null) return false;
        assertion.times += times;
        return true;
      }
      case "done":
        return this.#done(fields);
      case "skip":
        this.told++;
        this.#skip(site, place, fieldOf(fields, "reason"));
        return true;
      case "unselected":
        this.told++;
        this.#skip(site, place, NOT_SELECTED);
        return true;
      case "todo":
        this.told++;
        this.#add(nameOf(this.#plan.reach(site), text), place).status = "todo";
        return true;
      case "trap":
        if (this.running === null) return false;
        this.#trap = fieldOf(fields, "kind");
        return true;
      case "end": {
        const passed = numberOf(fields, "passed");
        const failed = numberOf(fields, "failed");
        if (passed === null || failed === null || this.#sums !== null) return false;
        this.#sums = { passed, failed };
        return true;
      }
      default:
        return false;
    }
  }

  /** In a boot that continues where another one ended, a known group is the same group. */
  #enter(name: string, place: Place | null): GroupResult {
    const key = JSON.stringify([...this.#groups.map((group) => group.name), name, place]);
    const visit = this.#visits.get(key) ?? 0;
    this.#visits.set(key, visit + 1);
    const known = this.#inner.children.filter(
      (child): child is GroupResult =>
        child.type === "group" && child.name === name && child.place?.line === place?.line,
    )[visit];
    if (known !== undefined && this.#earlier.length > 0) return known;
    const group: GroupResult = { type: "group", name, place, children: [] };
    this.#inner.children.push(group);
    return group;
  }

  /**
   * The guest trapped by `kind`. Whether the running test said it would: then it has passed, and what comes next is of
   * a boot that continues after it.
   */
  takeTrap(kind: string, durationMs: number | null = null): boolean {
    const test = this.running;
    if (test === null || this.#trap !== kind) return false;
    this.#printed.end();
    test.assertions.push({
      text: `expectTrap(${JSON.stringify(kind)})`,
      place: test.place,
      ok: true,
      times: 1,
      expected: null,
      actual: null,
    });
    test.durationMs = durationMs;
    this.running = null;
    this.#trap = null;
    this.#earlier = collect(this.#root);
    this.#groups.length = 1;
    this.#visits.clear();
    return true;
  }

  get #inner(): GroupResult {
    return this.#groups.at(-1) ?? this.#root;
  }

  #place(fields: Map<string, string>): Place | null {
    const line = numberOf(fields, "line");
    if (line === null || line === 0) return null;
    return { file: this.#path(fieldOf(fields, "file")), line };
  }

  #path(file: string): string {
    return file.startsWith("~") ? file : path.join(this.#folder, file);
  }

  #add(name: string, place: Place | null): TestResult {
    const test: TestResult = {
      type: "test",
      name,
      groups: this.#groups.slice(1).map((group) => group.name),
      place,
      status: "passed",
      message: null,
      frames: [],
      assertions: [],
      durationMs: null,
      output: [],
    };
    this.#inner.children.push(test);
    this.#last = test;
    return test;
  }

  #assertion(fields: Map<string, string>, text: string, place: Place | null): boolean {
    let test = this.running ?? this.#last;
    if (this.running === null && test?.name !== OUTSIDE) test = this.#add(OUTSIDE, place);
    if (test === null) return false;
    const ok = fields.get("event") === "pass";
    test.assertions.push({
      text: text === "" ? "an assertion without a name" : text,
      place,
      ok,
      times: 1,
      expected: ok ? null : fieldOf(fields, "expected"),
      actual: ok ? null : fieldOf(fields, "actual"),
    });
    if (!ok) test.status = "failed";
    return true;
  }

  #done(fields: Map<string, string>): boolean {
    const test = this.running;
    const ns = numberOf(fields, "ns");
    if (test === null || ns === null) return false;
    this.running = null;
    test.durationMs = ns / 1e6;
    const sum = test.assertions.reduce((all, { times }) => all + times, 0);
    if (sum !== numberOf(fields, "assertions"))
      this.#contradictions.push(
        `the test "${test.name}" made ${fields.get("assertions") ?? "?"} assertions, of which ${sum} were reported`,
      );
    if (sum === 0) {
      test.status = "failed";
      test.message = "the test asserted nothing";
    }
    return true;
  }

  #skip(
    site: { file: string; line: number; name: string },
    place: Place | null,
    reason: string,
  ): void {
    const reached = this.#plan.reach(site);
    if (reached?.kind === "group" && this.#plan.skipGroup(reached, reason)) return;
    const test = this.#add(nameOf(reached, site.name), place);
    test.status = "skipped";
    test.message = reason;
  }

  /** No more records will come. */
  end(ending: Ending): Collected {
    this.#printed.end();
    const interrupted = this.running;
    if (interrupted !== null) this.#interrupt(interrupted, ending);
    const complete = ending.how === "exit" && this.#sums !== null && interrupted === null;
    this.#addUnreached(complete, ending);
    return {
      children: this.#root.children,
      problem: this.#problem(ending, interrupted),
      output: this.#output,
    };
  }

  #interrupt(test: TestResult, ending: Ending): void {
    this.running = null;
    if (ending.how === "bail") {
      test.status = "skipped";
      test.message = ending.message;
      return;
    }
    test.status = ending.how === "timeout" ? "timed-out" : "crashed";
    test.message =
      ending.how === "exit"
        ? `the guest ended itself in this test, with exit code ${ending.guestCode ?? "?"}`
        : ending.message;
    test.frames = ending.frames;
  }

  /** Tests that the sources have and the guest did not come to. */
  #addUnreached(complete: boolean, ending: Ending): void {
    for (const { site, groups, skipped } of this.#plan.unreached()) {
      const place = { file: this.#path(site.file), line: site.line };
      const test: TestResult = {
        type: "test",
        name: site.name,
        groups: groups.map(({ name }) => name),
        place,
        status: skipped !== null || complete || ending.how === "bail" ? "skipped" : "not-run",
        message:
          skipped ??
          (ending.how === "bail" ? ending.message : null) ??
          (complete ? "the program ended without reaching it" : `not run: ${ending.message}`),
        frames: [],
        assertions: [],
        durationMs: null,
        output: [],
      };
      let parent = this.#root;
      for (const group of groups) {
        const at = { file: this.#path(group.file), line: group.line };
        const found = parent.children.find(
          (child): child is GroupResult => child.type === "group" && samePlace(child.place, at),
        );
        const inner: GroupResult = found ?? {
          type: "group",
          name: group.name,
          place: at,
          children: [],
        };
        if (found === undefined) insert(parent, inner, at);
        parent = inner;
      }
      insert(parent, test, place);
    }
  }

  #problem(ending: Ending, interrupted: TestResult | null): Problem | null {
    const problem = (kind: Problem["kind"], message: string): Problem => ({
      kind,
      message,
      details: kind === "crash" ? ending.frames.map((frame) => `at ${frame}`) : [],
    });
    if (ending.how === "host") return problem("host", ending.message);
    if (ending.how === "bail") return null;
    const tests = this.#plan.size + this.#root.children.length;
    const where = this.#last === null ? "before the first test" : `after "${this.#last.name}"`;
    if (ending.how !== "exit")
      return interrupted === null ? problem(ending.how, `${where}: ${ending.message}`) : null;
    if (tests === 0) return problem("records", "there are no tests in this file");
    if (interrupted !== null) return null;
    if (this.#sums === null)
      return problem(
        "records",
        `${where}: the guest ended itself with exit code ${ending.guestCode ?? "?"} before the end of its program`,
      );
    const [contradiction] = this.#contradictions;
    if (contradiction !== undefined) return problem("records", contradiction);
    return this.#checkSums(this.#sums, ending.guestCode, problem);
  }

  #checkSums(
    sums: { passed: number; failed: number },
    code: number | null,
    problem: (kind: Problem["kind"], message: string) => Problem,
  ): Problem | null {
    const all = collect(this.#root).filter(
      (test) => test.name !== OUTSIDE && !this.#earlier.includes(test),
    );
    const passed = all.filter(({ status }) => status === "passed").length;
    const failed = all.filter(({ status }) => status === "failed").length;
    if (passed !== sums.passed || failed !== sums.failed)
      return problem(
        "records",
        `the guest counted ${sums.passed} passed and ${sums.failed} failed tests, but reported ${passed} and ${failed}`,
      );
    const anyFailed = all.concat(collect(this.#root)).some(({ status }) => status === "failed");
    if (code !== 0 && !anyFailed)
      return problem("records", `no test failed, but the guest's exit code is ${code ?? "?"}`);
    return null;
  }
}

function collect(group: GroupResult): TestResult[] {
  return group.children.flatMap((child) => (child.type === "test" ? [child] : collect(child)));
}

/** As its source has it, where that is its name: a guest cannot send every one as it is. */
function nameOf(site: TestSite | null, told: string): string {
  return site?.exact === true ? wellFormed(site.name) : told;
}

function samePlace(a: Place | null, b: Place): boolean {
  return a?.file === b.file && a.line === b.line;
}

/** By line among its siblings: behind the last one that stands before it in the same file. */
function insert(parent: GroupResult, child: GroupResult | TestResult, { file, line }: Place): void {
  const before = parent.children.findLastIndex(
    ({ place }) => place?.file !== file || place.line <= line,
  );
  parent.children.splice(before + 1, 0, child);
}

/** A field other than `text`, which is escaped. */
function fieldOf(fields: Map<string, string>, key: string): string {
  return (fields.get(key) ?? "").replaceAll("%20", " ").replaceAll("%25", "%");
}

function numberOf(fields: Map<string, string>, key: string): number | null {
  const text = fields.get(key) ?? "";
  return /^\d{1,19}$/.test(text) ? Number(text) : null;
}
