// @xenlet on=domu vcpus=2
// The guest's side of a soft reset, on a real Xen: prepared and undone, prepared and made, over and over.
// Why: what prepare() takes back must come back exactly, and what attach() sets up must be as at the first boot; what
// of that Xen itself does, only Xen can show. Fails if an event, a timer, a watchdog or a vCPU is lost on the way back,
// or if anything that is available once in a domain's life cannot be had again after the reset.

import {
  checked,
  evtchn,
  sched,
  softReset,
  systemTime,
  timer,
  Vcpu,
  VIRQ_TIMER,
  wallClock,
  Watchdog,
  watchdogOp,
  xen,
} from "xenlet";
import { grant } from "xenlet/grant";
import { RunstateArea } from "xenlet/runstate";
import { expect, group, test } from "xenlet/test";
import { EBUSY, EINVAL } from "xenlet/raw/errno";
import { registerVcpuInfo } from "xenlet/raw/shared-info";

const MS: u64 = 1_000_000;

let port: u32 = 0;

function waitForTimer(): bool {
  const deadline = systemTime() + 2000 * MS;
  while (systemTime() < deadline) {
    if (evtchn.scan() == port) return true;
    sched.poll([], systemTime() + 10 * MS);
  }
  return false;
}

function useTimer(): void {
  port = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
  checked("EVTCHNOP_unmask", evtchn.unmask(port));
}

function reset(): i64 {
  const prepared = softReset.prepare();
  if (prepared != 0) return prepared;
  const result = softReset.request();
  if (result == 0) xen.attach();
  return result;
}

group("prepared and undone", () => {
  test("a timer that was set goes off all the same, and wakes", () => {
    useTimer();
    timer.set(systemTime() + 60 * MS);
    expect(softReset.prepare()).toBe(0);
    softReset.undo();
    expect(waitForTimer()).toBeTrue();
  });

  test("one that was due meanwhile too", () => {
    timer.set(systemTime() + 10 * MS);
    expect(softReset.prepare()).toBe(0);
    const end = systemTime() + 30 * MS;
    while (systemTime() < end) {}
    softReset.undo();
    expect(waitForTimer()).toBeTrue();
  });

  test("an event that came meanwhile is not lost", () => {
    const own = <u32>checked("bind_ipi", evtchn.bindIpi());
    evtchn.unmask(own);
    expect(softReset.prepare()).toBe(0);
    evtchn.send(own);
    softReset.undo();
    expect(sched.block()).toBe(0);
    expect(evtchn.scan()).toBe(own);
    evtchn.close(own);
  });

  test("the watchdogs are armed again, the second without the first too", () => {
    const first = Watchdog.start(600)!;
    const second = Watchdog.start(600)!;
    first.stop();
    expect(softReset.prepare()).toBe(0);
    expect(watchdogOp(2, 600)).toBe(-EINVAL);
    softReset.undo();
    second.poke();
    expect(watchdogOp(1, 600)).toBe(-EINVAL);
    second.stop();
    expect(watchdogOp(2, 600)).toBe(-EINVAL);
  });

  test("a vCPU in the middle of an order finishes it", () => {
    const vcpu = Vcpu.start(1);
    vcpu.block();
    expect(softReset.prepare()).toBe(0);
    expect(vcpu.isUp).toBe(0);
    softReset.undo();
    expect(vcpu.isUp).toBe(1);
    expect(vcpu.wait(20 * MS)).toBeFalse();
    vcpu.wake();
    expect(vcpu.wait()).toBeTrue();
    vcpu.yield(5);
    expect(vcpu.wait()).toBeTrue();
  });

  test("a grant is there again", () => {
    const ref = grant.access(0, 0x100);
    expect(softReset.prepare()).toBe(0);
    softReset.undo();
    expect(grant.end(ref)).toBeTrue();
    expect(grant.access(0, 0x100)).toBe(ref + 1);
  });
});

group("made", () => {
  test("returns 0, and until attach() there is no time", () => {
    RunstateArea.start();
    expect(softReset.prepare()).toBe(0);
    expect(softReset.request()).toBe(0);
    expect(systemTime()).toBe(0);
    expect(wallClock()).toBe(0);
    xen.attach();
    expect(systemTime()).toBeGreaterThan(0);
  });

  test("what can be had once can be had again, the first ports first", () => {
    expect(registerVcpuInfo()).toBe(0);
    useTimer();
    expect(port).toBe(3);
    timer.set(systemTime() + 20 * MS);
    expect(waitForTimer()).toBeTrue();
  });

  test("without it, not: that is what the others turn on", () => {
    expect(registerVcpuInfo()).toBeLessThan(0);
    expect(evtchn.bindVirq(VIRQ_TIMER)).toBeLessThan(0);
  });

  test("the FIFO ABI is gone, and can be had again", () => {
    expect(evtchn.useFifo()).toBe(0);
    expect(reset()).toBe(0);
    expect(evtchn.isFifo()).toBeFalse();
    useTimer();
    expect(port).toBe(3);
    expect(evtchn.useFifo()).toBe(0);
    timer.set(systemTime() + 20 * MS);
    expect(waitForTimer()).toBeTrue();
  });

  test("the other vCPU starts again, in both of Xen's ways", () => {
    expect(reset()).toBe(0);
    const vcpu = Vcpu.start(1);
    vcpu.yield(3);
    expect(vcpu.wait()).toBeTrue();
    expect(reset()).toBe(0);
    const again = Vcpu.start(1, 1);
    again.yield(3);
    expect(again.wait()).toBeTrue();
  });

  test("a watchdog of before does not end the domain", () => {
    Watchdog.start(1);
    expect(reset()).toBe(0);
    expect(Watchdog.armed().length).toBe(0);
    const end = systemTime() + 1500 * MS;
    while (systemTime() < end) sched.poll([], end);
    expect(watchdogOp(1, 0)).toBe(-EINVAL);
  });

  test("memory is what it was", () => {
    const bytes = new Uint32Array(1 << 16);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i * 2654435761;
    expect(reset()).toBe(0);
    let same = true;
    for (let i = 0; i < bytes.length; i++) if (bytes[i] != i * 2654435761) same = false;
    expect(same).toBeTrue();
  });

  test("thirty times, and the clock goes on", () => {
    let before = systemTime();
    for (let round = 0; round < 30; round++) {
      expect(reset()).toBe(0);
      expect(systemTime()).toBeGreaterThan(before);
      expect(evtchn.bindVirq(VIRQ_TIMER)).toBe(3);
      expect(registerVcpuInfo()).toBe(0);
      before = systemTime();
    }
  });

  test("a shutdown code that is fixed is refused, and why() says it", () => {
    sched.shutdownCode(0);
    expect(softReset.prepare()).toBe(-EBUSY);
    expect(softReset.why()).toBe("shutdown code: -EBUSY (SCHEDOP_shutdown_code has fixed the reason 0)");
  });
});
