// The guest's side of a soft reset: what is put in order before it, in which order, and back again when a step
// refuses or the caller thinks better of it; and that attach() starts over.
// Why: what Xen does not clean ends the domain later (a watchdog), or keeps every event from it (a stale upcall flag).
// Fails if a part is left out, if its undo is not exact, if an event that came meanwhile is lost, or if something
// touches shared_info while it is gone. What Xen itself does is shown by boots.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import { FakeMachine } from "./fake-machine.js";
import { prepareGuest, reasonOf, type LoadedGuest } from "./load.js";

const STEPS = [
  "shutdown code",
  "grants",
  "console",
  "other vCPUs",
  "timers",
  "runstate areas",
  "watchdogs",
  "event channels",
  "event upcall",
];
const SHUTDOWN_crash = 3;
const GRANT_PERMIT = 1;
const GRANT_READING = 8;

let start: (xen: FakeMachine) => LoadedGuest;
let xen: FakeMachine;
let guest: LoadedGuest;

beforeAll(async () => {
  const prepared = await prepareGuest("test/runtime/guest/kexec.ts");
  start = (machine) => prepared(machine);
});

beforeEach(() => {
  xen = new FakeMachine();
  guest = start(xen);
  xen.records.length = 0;
});

const call = (name: string, ...args: (number | bigint)[]): number =>
  Number(guest.call[name]?.(...args));

function said(): string[] {
  const lines = xen.records.filter(({ kind }) => kind === "log").map(({ text }) => text);
  xen.records.length = 0;
  return lines;
}

describe("prepare", () => {
  test("a guest that uses nothing has three steps, and makes no hypercall but to find the upcall's flag", () => {
    xen.calls.length = 0;
    expect(call("prepareReset")).toBe(0);
    expect(said()).toEqual(["+shutdown code", "+console", "+event upcall"]);
    expect(xen.calls).toEqual(["memory_op(7)"]);
    call("undo");
    expect(xen.state).toMatchObject({ interrupts: false });
  });

  test("one that uses everything has them all, and after them nothing is left armed", () => {
    call("useEverything");
    expect(xen.state).toMatchObject({
      watchdogs: [null, 200],
      period: 2_000_000n,
      interrupts: true,
    });
    expect(call("prepareReset")).toBe(0);
    expect(said()).toEqual(STEPS.map((name) => `+${name}`));
    expect(xen.state).toMatchObject({
      watchdogs: [null, null],
      deadline: null,
      period: null,
      up: [[1, false]],
      runstateAreas: [],
      interrupts: false,
      masks: Array.from({ length: 64 }, () => 2n ** 64n - 1n),
    });
  });

  test("undo brings all of it back, the last step first, and the watchdog with its old id", () => {
    call("useEverything");
    const before = xen.state;
    call("prepareReset");
    said();
    call("undo");
    expect(said()).toEqual([...STEPS].reverse().map((name) => `-${name}`));
    expect(xen.state).toEqual(before);
    call("undo");
    expect(said()).toEqual([]);
  });

  test("an event that came meanwhile is there after the undo", () => {
    call("useEverything");
    call("prepareReset");
    xen.raise(call("port_"));
    call("undo");
    expect(call("scan")).toBe(call("port_"));
  });

  test("a stale upcall flag does not go into the reset", () => {
    xen.store8(xen.sharedInfo, 1);
    xen.store64(xen.sharedInfo + 8, 5n);
    call("prepareReset");
    expect([xen.load8(xen.sharedInfo), xen.load64(xen.sharedInfo + 8)]).toEqual([0, 0n]);
  });

  test("a deadline that has passed is not set again by the undo", () => {
    call("useEverything");
    xen.tsc += 120_000_000_000n;
    xen.onTimerPassed();
    expect(call("scan")).toBe(call("port_"));
    call("prepareReset");
    call("undo");
    expect(call("scan")).toBe(0);
  });

  test("a shutdown code that is fixed is refused, and nothing was done", () => {
    call("latch", 1);
    expect(call("prepareReset")).toBe(-16);
    expect(said()).toEqual(["!shutdown code"]);
    call("why");
    expect(said()).toEqual([""]); // kexec's, not soft reset's
  });

  test("soft reset's own code may be fixed", () => {
    call("latch", 5);
    expect(call("prepareReset")).toBe(0);
  });

  test("grants: those nobody uses are ended and come back, one that is mapped stays and is no failure", () => {
    call("useEverything");
    const entry = xen.grantEntry(call("grantRef_"));
    const flags = xen.load32(entry);
    call("prepareReset");
    expect(xen.load32(entry)).toBe(0);
    call("undo");
    expect(xen.load32(entry)).toBe(flags);
    expect(xen.load32(entry + 4)).toBe(0x123);
    xen.store32(entry, (flags | GRANT_READING | GRANT_PERMIT) >>> 0);
    expect(call("prepareReset")).toBe(0);
    expect(xen.load32(entry)).toBe((flags | GRANT_READING) >>> 0);
  });

  test("twice without a request is the program's mistake, and said so", () => {
    call("prepareReset");
    expect(reasonOf(() => call("prepareReset"))).toBe(SHUTDOWN_crash);
    expect(xen.records.at(-1)?.text).toContain("prepared already");
  });
});

describe("request and attach", () => {
  test("between them there is no clock and no shared_info, and after them everything is new", () => {
    call("useEverything");
    call("onPort");
    expect(call("handlers")).toBe(1);
    call("prepareReset");
    expect(call("request")).toBe(0);
    expect(xen.resets).toBe(1);
    expect(call("now")).toBe(0);
    xen.calls.length = 0;
    call("attach");
    expect(xen.calls.slice(0, 2)).toEqual(["memory_op(7)", "hvm_op(0)"]);
    expect(call("now")).toBeGreaterThan(0);
    expect(call("armedWatchdogs")).toBe(0);
    expect(xen.vcpusReset).toEqual([1]);
    expect(call("handlers")).toBe(0);
    expect(call("bindTimer")).toBe(1);
    expect(xen.state).toMatchObject({ interrupts: true });
    xen.up.delete(1);
    expect(call("vcpuIsUp")).toBe(1);
  });

  test("shared_info is mapped again if it was in use, and only then", () => {
    call("request");
    xen.calls.length = 0;
    call("attach");
    expect(xen.calls).toEqual([]);
    expect(xen.state).toMatchObject({ interrupts: false });
    expect(call("now")).toBeGreaterThan(0);
    expect(xen.calls).toEqual(["memory_op(7)", "hvm_op(0)"]);
    for (let round = 0; round < 2; round++) {
      call("request");
      expect(xen.state).toMatchObject({ interrupts: false });
      xen.calls.length = 0;
      call("attach");
      expect(xen.calls).toEqual(["memory_op(7)", "hvm_op(0)"]);
      expect(xen.state).toMatchObject({ interrupts: true });
    }
  });

  test("and whatever asked for the reset: attach() does not take it for mapped", () => {
    call("now");
    xen.calls.length = 0;
    call("attach");
    expect(xen.calls).toEqual(["memory_op(7)", "hvm_op(0)"]);
  });

  test("the same again, a hundred times, and the shared window does not fill up", () => {
    for (let round = 0; round < 100; round++) {
      call("useEverything");
      expect(call("prepareReset")).toBe(0);
      expect(call("request")).toBe(0);
      xen.up.clear();
      call("attach");
    }
    expect(xen.windowPages).toBeLessThan(8);
  });

  test("a refusal leaves everything as it was, prepared or not", () => {
    xen.on("sched_op", 2, () => -1n);
    call("useEverything");
    const before = xen.state;
    expect(call("request")).toBe(-1);
    expect(xen.state).toEqual(before);
    call("prepareReset");
    expect(call("request")).toBe(-1);
    call("undo");
    expect(xen.state).toEqual(before);
    expect(call("now")).toBeGreaterThan(0);
  });

  test("a reset that was not prepared leaves the watchdog armed, and the runtime still knows it", () => {
    call("useEverything");
    call("request");
    call("attach");
    expect(call("armedWatchdogs")).toBe(1);
    expect(xen.armedWatchdogs).toEqual([null, 200]);
  });

  test("the code that was fixed is free again", () => {
    call("latch", 5);
    call("prepareReset");
    call("request");
    call("attach");
    call("latch", 1);
    expect(call("prepareReset")).toBe(-16);
  });
});
