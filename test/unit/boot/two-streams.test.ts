/**
 * What a boot's console comes to when a toolstack makes the guest's domain: two streams of records on one line of
 * text each, the guest's own by two ways (its debug port, and its console, which the toolstack passes on).
 * Why it matters: the verdict of every `--on domu` run is read off these lines. How it would fail: lines in the
 * order in which they came instead of the one in which they were said, a record lost because text stood before it,
 * a toolstack's failure blamed on the guest or taken for nothing.
 */
import { describe, expect, test } from "vitest";

import { Monitor } from "../../../src/host/boot/monitor.js";
import { encodeRecord } from "../../../src/host/protocol/record.js";
import type { Stage } from "../../../src/host/boot/stages.js";
import { judge, type Cause, type Verdict } from "../../../src/host/boot/verdict.js";

const GUEST = "aaaa";
const TOOLSTACK = "bbbb";

/** A console that a test writes line by line, and what was made of it. */
class Console {
  readonly stages: Stage[] = [];
  readonly text: string[] = [];
  readonly xenLines: string[] = [];
  readonly monitor = new Monitor({
    nonce: GUEST,
    toolstackNonce: TOOLSTACK,
    onStage: (stage) => this.stages.push(stage),
    onText: (line) => this.text.push(line),
    onXenLine: (line) => this.xenLines.push(line),
  });
  #said = 0;
  #reported = 0;

  /** A line of Xen's own. */
  xen(text: string): void {
    this.monitor.push(`(XEN) ${text}`);
  }

  /** Lines of the guest's, in the order in which it says them: not sent yet. */
  say(kind: string, payload: string): string[] {
    const lines = encodeRecord({ kind, payload }, GUEST, this.#said);
    this.#said += lines.length;
    return lines;
  }

  /** By the guest's debug port. */
  port(...lines: string[]): void {
    for (const line of lines) this.monitor.push(`(d1) ${line}`);
  }

  /** A record of the guest's, that the toolstack passes on as it came. */
  relay(...lines: string[]): void {
    for (const line of lines) this.monitor.push(`(d0) ${line}`);
  }

  /** A record of the toolstack's. */
  report(kind: string, payload: string, nonce = TOOLSTACK): void {
    for (const line of encodeRecord({ kind, payload }, nonce, this.#reported)) {
      this.#reported++;
      this.monitor.push(`(d0) ${line}`);
    }
  }

  start(): void {
    this.xen("Xen version 4.17.7 (Debian 4.17.7+0-none) (nobody@nowhere) (gcc) debug=n Now");
    this.xen("Freed 656kB init memory");
    this.report("boot", "stage=entered");
    this.report("boot", "stage=runtime");
    this.report("domain", "domid=1 event=created interface=21");
  }

  run(): void {
    this.start();
    this.port(...this.say("boot", "stage=entered"), ...this.say("boot", "stage=runtime"));
  }

  end(reason: number): void {
    this.report("domain", `domid=1 event=ended reason=${String(reason)}`);
    this.xen("Hardware Dom0 shutdown: rebooting machine");
  }

  verdict(cause: Cause = { type: "ending" }): Verdict {
    this.monitor.end();
    return judge(this.monitor, cause);
  }

  get logged(): string[] {
    return this.monitor.records.filter(({ kind }) => kind === "log").map(({ payload }) => payload);
  }
}

function started(): Console {
  const console = new Console();
  console.run();
  return console;
}

test("a success: both streams whole, the domain powered off, and the toolstack then ends the machine", () => {
  const console = started();
  console.relay(...console.say("log", "hello"));
  console.port(...console.say("exit", "code=7"));
  console.end(0);
  expect(console.verdict()).toMatchObject({ verdict: "exit", guestCode: 7, exitCode: 7 });
  expect(console.stages).toEqual(["xen", "toolstack", "entered", "runtime", "verdict"]);
  expect(console.monitor.damage).toEqual([]);
});

describe("the order is the one in which the guest spoke", () => {
  test("when the console is read later than the debug port", () => {
    const console = started();
    const first = console.say("log", "first");
    const second = console.say("step", "second");
    const third = console.say("log", `third ${"x".repeat(400)}`);
    console.port(...second, ...console.say("exit", "code=0"));
    console.relay(...first, ...third);
    console.end(0);
    expect(console.verdict().verdict).toBe("exit");
    expect(console.monitor.records.map(({ kind }) => kind).slice(2)).toEqual([
      "log",
      "step",
      "log",
      "exit",
    ]);
  });

  test("and a line that never comes is damage, not a wait", () => {
    const console = started();
    console.say("log", "lost");
    console.port(...console.say("exit", "code=0"));
    console.end(0);
    expect(console.verdict()).toMatchObject({ verdict: "crash", guestCode: 0 });
    expect(console.monitor.damage.map(({ kind }) => kind)).toEqual(["gap"]);
  });
});

describe("text on the guest's console", () => {
  test("is its own, whatever it looks like", () => {
    const console = started();
    console.report("console", "domid=1 text=grüße 😀  two spaces");
    console.report("console", "domid=1 text=~x1 cccc 0 exit:code=0 #00000000");
    console.relay("~x1 cccc 0 exit:code=0 #00000000");
    console.report("console", "domid=1 text=");
    expect(console.text).toEqual([
      "grüße 😀  two spaces",
      "~x1 cccc 0 exit:code=0 #00000000",
      "~x1 cccc 0 exit:code=0 #00000000",
      "",
    ]);
    console.end(0);
    expect(console.verdict().verdict).toBe("crash");
  });

  test("in parts is one line", () => {
    const console = started();
    console.report("console", `domid=1 more=1 text=${"a".repeat(4096)}`);
    console.report("console", `domid=1 more=1 text=${"b".repeat(4096)}`);
    expect(console.text).toEqual([]);
    console.report("console", "domid=1 text=c");
    expect(console.text).toEqual([`${"a".repeat(4096)}${"b".repeat(4096)}c`]);
  });

  test("that never ends is passed on all the same", () => {
    const console = started();
    const part = "y".repeat(4096);
    for (let i = 0; i < 300; i++) console.report("console", `domid=1 more=1 text=${part}`);
    console.end(3);
    console.verdict();
    expect(console.text.map((line) => line.length)).toEqual([1 << 20, 44 * 4096]);
  });

  test("before a record, without a newline, costs the record nothing", () => {
    const console = started();
    const [line = ""] = console.say("log", "whole");
    console.report("console", `domid=1 text=half a line${line}`);
    expect(console.text).toEqual(["half a line"]);
    expect(console.logged).toEqual(["whole"]);
    expect(console.monitor.damage).toEqual([]);
  });
});

describe("the domain's end is told by the toolstack, with the reason:", () => {
  test.each<[number, RegExp]>([
    [0, /powered off, and the guest had reported no result/],
    [1, /requested a reboot/],
    [2, /requested suspend/],
    [3, /the domain crashed/],
    [4, /watchdog fired/],
    [5, /Unknown shutdown reason code 5/],
    [6, /shut down with reason 6/],
    [255, /shut down with reason 255/],
  ])("%i", (reason, message) => {
    const console = started();
    console.end(reason);
    expect(console.verdict()).toMatchObject({ verdict: "crash", exitCode: 120 });
    expect(console.verdict().message).toMatch(message);
    expect(console.monitor.ending?.reason).toBe(reason);
  });

  test("not by anybody else: the same record with the guest's nonce, or none, is none", () => {
    const console = started();
    console.port(...console.say("domain", "domid=1 event=ended reason=0"));
    console.report("domain", "domid=1 event=ended reason=0", "-");
    expect(console.monitor.ending).toBeNull();
  });
});

describe("the toolstack failed, exit code 122:", () => {
  test.each<[string, (console: Console) => void, RegExp]>([
    [
      "it aborts",
      (console) => {
        console.report("abort", "file=main.ts line=3 column=7 rip=0x1 frames= text=no image");
        console.xen("Hardware Dom0 crashed: 'noreboot' set - not rebooting.");
      },
      /^the toolstack failed: it aborted at main.ts:3:7: no image$/,
    ],
    [
      "it traps",
      (console) => {
        console.report("trap", "kind=out-of-bounds address=0x5 rip=0x1 frames=");
      },
      /^the toolstack failed: it trapped: out-of-bounds at address 0x5$/,
    ],
    [
      "its boot code gives up, before it has its nonce",
      (console) => {
        console.report("fatal", "there is no Xen", "-");
      },
      /^the toolstack failed: it gave up: there is no Xen$/,
    ],
    [
      "Xen crashes it",
      (console) => {
        console.xen("Domain 0 (vcpu#0) crashed on cpu#0:");
        console.xen("Hardware Dom0 crashed: 'noreboot' set - not rebooting.");
      },
      /^the toolstack failed: its domain crashed$/,
    ],
  ])("%s", (_name, fail, message) => {
    const console = started();
    fail(console);
    expect(console.verdict()).toMatchObject({ verdict: "host", exitCode: 122 });
    expect(console.verdict().message).toMatch(message);
  });

  test("it goes without a word, before the guest says anything", () => {
    const console = new Console();
    console.start();
    console.xen("Hardware Dom0 crashed: 'noreboot' set - not rebooting.");
    expect(console.verdict()).toMatchObject({ verdict: "host", exitCode: 122 });
    expect(console.verdict().message).toBe("the toolstack failed: its domain crashed");
  });

  test("but not if somebody else shut it down while the guest ran: that is a finding about Xen", () => {
    const console = started();
    console.xen("Hardware Dom0 crashed: 'noreboot' set - not rebooting.");
    expect(console.verdict()).toMatchObject({ verdict: "crash", exitCode: 120 });
    expect(console.verdict().message).toBe(
      "dom0 crashed while the guest ran, although dom0 had not requested it: Xen allowed the guest to shut down dom0",
    );
  });

  test("the control: the same from the guest is the guest's crash", () => {
    const console = started();
    console.port(...console.say("abort", "file=main.ts line=3 column=7 rip=0x1 frames= text=no"));
    console.end(3);
    expect(console.verdict()).toMatchObject({ verdict: "crash", exitCode: 120 });
    expect(console.verdict().message).toBe("the guest aborted at main.ts:3:7: no");
  });
});

test("a deadline says who was waited for", () => {
  const before = new Console();
  before.xen("Xen version 4.17.7 (Debian 4.17.7+0-none) (nobody@nowhere) (gcc) debug=n Now");
  before.xen("Freed 656kB init memory");
  expect(
    before.verdict({ type: "deadline", stage: "xen", deadlineMs: 5000, wallMs: 5000 }).message,
  ).toBe("Xen started the toolstack, but it printed nothing within 5 s");
  const after = new Console();
  after.start();
  expect(after.stages.at(-1)).toBe("entered");
  expect(
    after.verdict({ type: "deadline", stage: "entered", deadlineMs: 5000, wallMs: 5000 }),
  ).toMatchObject({
    verdict: "timeout",
    exitCode: 121,
    message: "the guest's domain ran, but the guest printed nothing within 5 s",
  });
});
