// SCHEDOP_block with interrupts on: what it returns at once for, what it sleeps until, and what it does to
// evtchn_upcall_mask.
// Why: it is how a guest waits. Its other half, that with interrupts off it sleeps for ever, and that no wake-up
// is lost just before it, are boots of their own: test/boot/sched-block.test.ts, wake.test.ts. Fails if it
// sleeps through an event, or returns without one.

import { evtchn, sched, SCHEDOP_block, systemTime, timer } from "xenlet";
import { expect, group, test } from "xenlet/test";
import { SHARED_INFO_VCPU_INFO, VCPU_INFO_EVTCHN_UPCALL_MASK } from "xenlet/raw/abi/xen";
import { sched_op } from "xenlet/raw/hypercall";
import { load8, store8 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { MS, NOWHERE, ipiPort, quiet, soon, timerPort, withUpcall } from "./_sched";

/** When the timer wakes what should not have slept. */
const LATE: u64 = 2000 * MS;

const port = ipiPort();
const upcallMask = sharedInfo() + SHARED_INFO_VCPU_INFO + VCPU_INFO_EVTCHN_UPCALL_MASK;

/** All quiet, but an event `ns` from now. */
function startTimer(ns: u64): u64 {
  quiet([port]);
  evtchn.unmask(timerPort);
  const deadline = soon(ns);
  timer.set(deadline);
  return deadline;
}

/** Blocks until the event is seen; returns all results, or-ed. */
function blockUntilTimer(): i64 {
  let results: i64 = 0;
  while (evtchn.scan() != timerPort) results |= sched.block();
  return results;
}

group("block", () => {
  test("returns 0 at once while an upcall can be delivered", () => {
    let result: i64 = -1;
    let took = LATE;
    for (let i = 0; i < 5 && took >= LATE / 2; i++) {
      startTimer(LATE);
      const before = systemTime();
      result = withUpcall(SCHEDOP_block, 0);
      took = systemTime() - before;
    }
    expect(result).toBe(0);
    expect(took).toBeLessThan(LATE / 2);
  });

  test("sleeps until an event comes, and then returns 0", () => {
    const deadline = startTimer(5 * MS);
    expect(blockUntilTimer()).toBe(0);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
  });

  test("is one sleep, not a loop: nothing but the event ends it", () => {
    const deadline = startTimer(20 * MS);
    sched.block();
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
    expect(evtchn.scan()).toBe(timerPort);
  });

  test("writes evtchn_upcall_mask, set to 1, back to 0, and wakes all the same", () => {
    let deadline: u64 = 0;
    store8(upcallMask, 1);
    expect(load8(upcallMask)).toBe(1);
    /* More than once only where the machine stalls until the timer has gone off: then there is nothing to block for. */
    for (let i = 0; i < 5 && load8(upcallMask) != 0; i++) {
      deadline = startTimer(5 * MS);
      expect(blockUntilTimer()).toBe(0);
    }
    expect(load8(upcallMask)).toBe(0);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
  });

  test("does not look at its argument", () => {
    const deadline = startTimer(5 * MS);
    expect(sched_op(SCHEDOP_block, NOWHERE)).toBe(0);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
  });

  test("is not issued by sched.block() if an upcall came since the last scan", () => {
    startTimer(LATE);
    evtchn.unmask(port);
    const before = systemTime();
    evtchn.send(port);
    expect(sched.block()).toBe(0);
    expect(systemTime() - before).toBeLessThan(LATE / 2);
    expect(evtchn.scan()).toBe(port);
  });
});
