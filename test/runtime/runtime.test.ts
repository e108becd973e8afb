// What surrounds a guest's own code: attach before it, the verdict after it, and JavaScript's globals.
// Why: a guest that says nothing must not count as a success by accident, and what an earlier kernel left in
// shared_info must not reach this one. Fails if the order, the scrubbing or the verdict is lost; if a program that needs no
// shared_info has it mapped; and if one that does comes to it by some way unmapped, or a second time.

import { beforeAll, describe, expect, test } from "vitest";

import { FakeXen, GuestEnded } from "./fake-xen.js";
import { prepareGuest, reasonOf } from "./load.js";

let start: Awaited<ReturnType<typeof prepareGuest>>;

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/probe.ts");
});

const SHUTDOWN_poweroff = 0;
const SHUTDOWN_crash = 3;

describe("attach", () => {
  test("leaves saying so to the program, and asks nothing of Xen: one without events and clocks pays for neither", () => {
    const { xen, reason } = start();
    expect(xen.calls).toEqual(["sched_op(2)"]);
    expect(xen.records).toEqual([{ kind: "exit", text: "code=0" }]);
    expect(reason).toBe(SHUTDOWN_poweroff);
  });

  test.each([
    ["block_", 1, []],
    ["poll_", 3, [7, 0n]],
  ] as const)(
    "of a program that has said nothing, %s says it before it waits",
    (name, cmd, args) => {
      const { xen, call } = start();
      xen.stageUnsaid = true;
      xen.records.length = 0;
      const said: number[] = [];
      xen.on("sched_op", cmd, () => {
        said.push(xen.records.length);
        return 0n;
      });
      call[name]?.(...args);
      call[name]?.(...args);
      expect(xen.records).toEqual([{ kind: "boot", text: "stage=runtime" }]);
      expect(said).toEqual([1, 1]);
    },
  );
});

describe("shared_info", () => {
  const FIRST_USES: [name: string, args: (number | bigint)[], own: string[]][] = [
    ["systemTime_", [], []],
    ["wallClock_", [], []],
    ["scan", [], []],
    ["bindVirq", [0], ["event_channel_op(1)"]],
    ["unmask", [7], ["event_channel_op(9)"]],
    ["poll_", [7, 0n], ["sched_op(3)"]],
    ["block_", [], ["sched_op(1)"]],
  ];

  test.each(FIRST_USES)(
    "%s maps it and registers the upcall, before what it asks of Xen itself, and once",
    (name, args, own) => {
      const { xen, call } = start();
      for (const cmd of [1, 3]) xen.on("sched_op", cmd, () => 0n);
      xen.calls.length = 0;
      call[name]?.(...args);
      expect(xen.calls.slice(0, 2)).toEqual(["memory_op(7)", "hvm_op(0)"]);
      expect(xen.calls.slice(2, 2 + own.length)).toEqual(own);
      for (const [other, otherArgs] of FIRST_USES) call[other]?.(...otherArgs);
      expect(xen.calls.filter((made) => /memory_op|hvm_op/.test(made))).toHaveLength(2);
    },
  );

  test.each(FIRST_USES)(
    "%s clears what an earlier kernel left: pending events, masks, the upcall flag",
    (name, args) => {
      const xen = new FakeXen();
      xen.store32(xen.sharedInfo, 0x0101); // evtchn_upcall_pending and _mask
      xen.store64(xen.sharedInfo + 8, ~0n & (2n ** 64n - 1n));
      xen.store64(xen.sharedInfo + 2048, 0xdeadbeefn);
      xen.store64(xen.sharedInfo + 2560, 0xf0n);
      const { call } = start(xen);
      xen.on("event_channel_op", 9, () => 0n);
      call[name]?.(...args);
      expect(xen.load32(xen.sharedInfo) & 0xff).toBe(0);
      expect(xen.load64(xen.sharedInfo + 8)).toBe(0n);
      expect(xen.load64(xen.sharedInfo + 2048)).toBe(0n);
      expect(xen.load64(xen.sharedInfo + 2560)).toBe(2n ** 64n - 1n);
    },
  );

  test("what is bound after it was mapped is not cleared: an event that is pending at once", () => {
    const { xen, call } = start();
    xen.on("event_channel_op", 1, (_cmd, arg = 0n) => {
      xen.store32(Number(arg) + 8, 5);
      xen.raise(5);
      return 0n;
    });
    expect(call["bindVirq"]?.(0)).toBe(5n);
    expect(xen.bit(xen.sharedInfo + 2048, 5)).toBe(true);
  });

  test("a refusal ends the guest as a crash, with the operation and the error's name", () => {
    const xen = new FakeXen();
    xen.on("memory_op", 7, () => -12n);
    const { call } = start(xen);
    xen.records.length = 0;
    expect(reasonOf(() => call["systemTime_"]?.())).toBe(SHUTDOWN_crash);
    expect(xen.records[0]?.text).toContain(
      "XENMEM_add_to_physmap(XENMAPSPACE_shared_info) = -ENOMEM",
    );
  });
});

describe("verdict", () => {
  test("process.exit says its code, then powers off", () => {
    const { xen, call } = start();
    xen.records.length = 0;
    expect(reasonOf(() => call["exit_"]?.(300))).toBe(SHUTDOWN_poweroff);
    expect(xen.records).toEqual([{ kind: "exit", text: "code=44" }]);
  });

  test("checked() stops at Xen's first refusal", () => {
    const { xen, call } = start();
    expect(() => call["checkedFailure"]?.()).toThrow(GuestEnded);
    expect(xen.records.at(-1)).toMatchObject({
      kind: "abort",
      text: expect.stringContaining("EVTCHNOP_send(7) = -EINVAL") as string,
    });
  });
});

describe("globals", () => {
  test("console.log is a record, whatever the alphabet", () => {
    const { xen, call } = start();
    call["logLine"]?.();
    expect(xen.records.at(-1)).toEqual({ kind: "log", text: "hällo 😀" });
  });

  test("results are told by Xen's names", () => {
    const { xen, call } = start();
    call["sayResults"]?.();
    expect(xen.records.at(-1)?.text).toBe("0 -ENOSPC -4000");
  });

  test.each([
    ["nonce=1 key=value", "value"],
    ["nonce=1 key=", ""],
    ["nonce=1 monkey=x", "absent"],
    ["", "absent"],
  ])("the command line %j has key %j", (commandLine, value) => {
    const xen = new FakeXen();
    xen.commandLine = commandLine;
    const { call } = start(xen);
    call["sayArgument"]?.();
    expect(xen.records.at(-1)?.text).toBe(value);
  });
});
