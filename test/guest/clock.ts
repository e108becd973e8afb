// What Xen says of time: the vCPU's own account of it, and the place of struct vcpu_info.
// Fails if an area is read half written, if the clock stops or jumps where vcpu_info moves, or if the upcall's
// flag is cleared in the old place: then its interrupt never ends, and the guest comes no further.

import { checked, evtchn, sched, systemTime, timer, VIRQ_TIMER } from "xenlet";
import { runstate, RunstateArea } from "xenlet/runstate";
import { expect, group, test } from "xenlet/test";
import { RUNSTATE_running } from "xenlet/raw/abi/vcpu";
import { EINVAL } from "xenlet/raw/errno";
import { registerVcpuInfo, sharedInfo, vcpuInfo } from "xenlet/raw/shared-info";

const MILLISECOND: u64 = 1_000_000;

let area: RunstateArea | null = null;
const port = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
checked("EVTCHNOP_unmask", evtchn.unmask(port));

/** Sleeps in SCHEDOP_block until the singleshot timer's event. */
function sleep(ns: u64): void {
  timer.set(systemTime() + ns);
  while (evtchn.scan() != port) sched.block();
}

group("runstate", () => {
  test("the times add up to Xen system time's pace", () => {
    /* Between the two looks lies at least what the inner pair of times says, and at most what the outer one does. */
    const outerStart = systemTime();
    const before = runstate();
    const innerStart = systemTime();
    /* More than once only where the machine stalls until the timer has gone off: then there is nothing to block for. */
    for (let i = 0; i < 20 && runstate().blocked < before.blocked + 40 * MILLISECOND; i++)
      sleep(50 * MILLISECOND);
    const least = systemTime() - innerStart;
    const now = runstate();
    const most = systemTime() - outerStart;
    const sum =
      now.running - before.running + (now.runnable - before.runnable) + (now.blocked - before.blocked);
    expect(now.state).toBe(RUNSTATE_running);
    expect(now.blocked - before.blocked).toBeWithin(40 * MILLISECOND, most);
    expect(sum).toBeWithin(least - MILLISECOND, most + MILLISECOND);
    expect(now.offline).toBe(before.offline);
  });

  test("an area of our own says the same, without a hypercall", () => {
    area = RunstateArea.start();
    sleep(20 * MILLISECOND);
    const own = area!.read();
    const asked = runstate();
    expect(own.state).toBe(RUNSTATE_running);
    expect(own.since).toBe(asked.since);
    expect(own.blocked).toBe(asked.blocked);
    expect(own.running).toBeWithin(0, asked.running);
  });

  test("once stopped, it is not written any more", () => {
    const before = area!.read();
    area!.stop();
    sleep(20 * MILLISECOND);
    expect(area!.read().since).toBe(before.since);
    expect(runstate().since).toBeGreaterThan(before.since);
  });
});

group("vcpu_info", () => {
  test("moves, and the clock and events go on", () => {
    const start = systemTime();
    expect(registerVcpuInfo()).toBe(0);
    expect(vcpuInfo()).not.toBe(sharedInfo());
    expect(systemTime() - start).toBeWithin(0, 1000 * MILLISECOND);
    sleep(10 * MILLISECOND);
    sleep(10 * MILLISECOND);
    expect(evtchn.scan()).toBe(0);
    expect(systemTime() - start).toBeWithin(20 * MILLISECOND, 2000 * MILLISECOND);
  });

  test("a poll's deadline is on the same clock", () => {
    const deadline = systemTime() + 10 * MILLISECOND;
    expect(sched.poll([port], deadline)).toBe(2);
    expect(systemTime()).toBeWithin(deadline, deadline + 500 * MILLISECOND);
  });

  test("once in a domain's life", () => {
    expect(registerVcpuInfo()).toBe(-EINVAL);
    sleep(5 * MILLISECOND);
    expect(evtchn.scan()).toBe(0);
  });
});
