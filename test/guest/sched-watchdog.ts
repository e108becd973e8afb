// SCHEDOP_watchdog while nothing expires, and the Watchdog class on top of it.
// Why: a timer that was lost ends the domain minutes later, and survives a soft reset; a third one is refused.
// What expiry does: test/boot/sched-watchdog.test.ts. Fails if an id is given twice, if a destroyed timer still
// fires, or if the class lets go of one that is armed.

import { SCHEDOP_watchdog, Watchdog, WATCHDOG_TIMERS, sched, watchdogOp } from "xenlet";
import { EFAULT, EINVAL, ENOSPC } from "xenlet/raw/errno";
import { sched_op } from "xenlet/raw/hypercall";
import { expect, group, test } from "xenlet/test";
import { MS, NOWHERE, quiet, soon } from "./_sched";

/** Longer than the test takes. */
const LONG: u32 = 600;

/** The bare operation's argument: id 0, LONG. */
const allocate: usize = memory.data<u32>([0, 600]);

function sleep(ns: u64): void {
  const end = soon(ns);
  while (soon(0) < end) sched.poll([], end);
}

function freeAll(): void {
  Watchdog.stopAll();
  for (let id: u32 = 1; id <= WATCHDOG_TIMERS; id++) watchdogOp(id, 0);
}

group("watchdog", () => {
  test("the first is 1, the second 2, a third -ENOSPC", () => {
    freeAll();
    expect(watchdogOp(0, LONG)).toBe(1);
    expect(watchdogOp(0, LONG)).toBe(2);
    expect(watchdogOp(0, LONG)).toBe(-ENOSPC);
  });

  test("-ENOSPC comes from Xen as a 32-bit number, which watchdogOp() widens", () => {
    freeAll();
    watchdogOp(0, LONG);
    watchdogOp(0, LONG);
    expect(sched_op(SCHEDOP_watchdog, allocate)).toBe(<i64>(<u32>-ENOSPC));
    expect(watchdogOp(0, LONG)).toBe(-ENOSPC);
  });

  test("poked and destroyed: 0; destroyed twice, or poked after that: -EINVAL", () => {
    freeAll();
    watchdogOp(0, LONG);
    watchdogOp(0, LONG);
    expect(watchdogOp(1, LONG)).toBe(0);
    expect(watchdogOp(2, LONG)).toBe(0);
    expect(watchdogOp(1, 0)).toBe(0);
    expect(watchdogOp(1, 0)).toBe(-EINVAL);
    expect(watchdogOp(1, LONG)).toBe(-EINVAL);
    expect(watchdogOp(2, 0)).toBe(0);
  });

  test("a destroyed id is given again", () => {
    freeAll();
    watchdogOp(0, LONG);
    watchdogOp(0, LONG);
    watchdogOp(1, 0);
    expect(watchdogOp(0, LONG)).toBe(1);
    expect(watchdogOp(0, LONG)).toBe(-ENOSPC);
  });

  test("an id that never was one is -EINVAL", () => {
    freeAll();
    expect(watchdogOp(1, LONG)).toBe(-EINVAL);
    expect(watchdogOp(2, 0)).toBe(-EINVAL);
    expect(watchdogOp(WATCHDOG_TIMERS + 1, LONG)).toBe(-EINVAL);
    expect(watchdogOp(WATCHDOG_TIMERS + 1, 0)).toBe(-EINVAL);
    expect(watchdogOp(0xffffffff, LONG)).toBe(-EINVAL);
  });

  test("a bad address is -EFAULT, and arms nothing", () => {
    freeAll();
    expect(sched_op(SCHEDOP_watchdog, 0)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_watchdog, NOWHERE)).toBe(-EFAULT);
    expect(watchdogOp(0, LONG)).toBe(1);
  });

  test("destroyed, it does not fire; poked, it starts anew", () => {
    freeAll();
    quiet([]);
    watchdogOp(0, 1);
    const poked = <u32>watchdogOp(0, 1);
    watchdogOp(1, 0);
    // The seconds of both are over before this ends.
    for (let i = 0; i < 6; i++) {
      sleep(250 * MS);
      expect(watchdogOp(poked, 1)).toBe(0);
    }
    expect(watchdogOp(poked, 0)).toBe(0);
  });
});

group("Watchdog", () => {
  test("two can be armed, a third is null", () => {
    freeAll();
    const first = Watchdog.start(LONG);
    const second = Watchdog.start(LONG);
    expect(first != null).toBeTrue();
    expect(second != null).toBeTrue();
    expect(Watchdog.start(LONG) == null).toBeTrue();
    expect(Watchdog.armed().length).toBe(2);
  });

  test("nobody holds it, and it is still found and stopped", () => {
    freeAll();
    Watchdog.start(LONG);
    Watchdog.start(LONG);
    __collect();
    expect(Watchdog.armed().length).toBe(2);
    Watchdog.stopAll();
    expect(Watchdog.armed().length).toBe(0);
    expect(watchdogOp(1, 0)).toBe(-EINVAL);
    expect(watchdogOp(2, 0)).toBe(-EINVAL);
  });

  test("what armed() returned is the caller's to change: no timer is lost with it", () => {
    freeAll();
    Watchdog.start(LONG);
    Watchdog.armed().pop();
    expect(Watchdog.armed().length).toBe(1);
    Watchdog.stopAll();
    expect(watchdogOp(1, 0)).toBe(-EINVAL);
  });

  test("stopped twice, it leaves alone who has its id by then", () => {
    freeAll();
    const first = Watchdog.start(LONG)!;
    first.stop();
    const second = Watchdog.start(LONG)!;
    first.stop();
    expect(Watchdog.armed().length).toBe(1);
    second.poke();
    expect(watchdogOp(1, LONG)).toBe(0);
    second.stop();
    expect(watchdogOp(1, LONG)).toBe(-EINVAL);
  });
});

freeAll();
