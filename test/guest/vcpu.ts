// @xenlet vcpus=4
// Secondary vCPUs, started in both of Xen's ways, on a real Xen: each takes every order, and the states that
// VCPUOP_is_up tells are the true ones. Fails if a vCPU does not start, sleeps through its event, or continues
// running where Xen says that it is down.

import { systemTime, Vcpu, VcpuStart } from "xenlet";
import { expect, group, test } from "xenlet/test";
import { EEXIST } from "xenlet/raw/errno";
import { vcpu_start } from "xenlet/raw/vcpu";

const MILLISECOND: u64 = 1_000_000;
/** Far more than anything takes, on a busy machine too. */
const LONG: u64 = 15_000 * MILLISECOND;

let vcpu: Vcpu = changetype<Vcpu>(0);

function takesEveryOrder(): void {
  test("runs", () => {
    expect(vcpu.isUp).toBe(1);
    expect(vcpu.idle).toBeTrue();
  });

  test("yields as often as told", () => {
    vcpu.yield(100);
    expect(vcpu.wait(LONG)).toBeTrue();
    expect(vcpu.result).toBe(0);
    expect(vcpu.progress).toBe(100);
  });

  test("blocks until it is woken", () => {
    vcpu.block();
    expect(vcpu.wait(20 * MILLISECOND)).toBeFalse();
    vcpu.wake();
    expect(vcpu.wait(LONG)).toBeTrue();
    expect(vcpu.result).toBe(0);
  });

  test("polls until it is woken", () => {
    vcpu.poll();
    expect(vcpu.wait(20 * MILLISECOND)).toBeFalse();
    vcpu.wake();
    expect(vcpu.wait(LONG)).toBeTrue();
    expect(vcpu.result).toBe(0);
  });

  test("polls until its deadline", () => {
    const start = systemTime();
    vcpu.poll(start + 30 * MILLISECOND);
    expect(vcpu.wait(LONG)).toBeTrue();
    /* Its deadline is by its own pCPU's clock, which under QEMU was seen to be 2.5 ms ahead of this one's. */
    expect(systemTime() - start).toBeGreaterThan(20 * MILLISECOND);
  });

  test("spins on its own CPU time", () => {
    vcpu.spin(500 * MILLISECOND);
    expect(vcpu.wait(LONG)).toBeTrue();
    expect(vcpu.progress).toBeGreaterThan(0);
  });

  test("goes down, and comes up where it was", () => {
    vcpu.down();
    expect(vcpu.wait(20 * MILLISECOND)).toBeFalse();
    expect(vcpu.isUp).toBe(0);
    expect(vcpu.up()).toBe(0);
    expect(vcpu.wait(LONG)).toBeTrue();
    expect(vcpu.isUp).toBe(1);
  });

  test("takes orders after that", () => {
    vcpu.yield(3);
    expect(vcpu.wait(LONG)).toBeTrue();
    expect(vcpu.progress).toBe(3);
  });
}

group("started by VCPUOP_initialise", () => {
  vcpu = Vcpu.start(1);
  takesEveryOrder();
  test("cannot be initialised twice", () => {
    expect(vcpu_start(1, VcpuStart.HYPERCALL, vcpu.port)).toBe(-EEXIST);
  });
});

group("started by INIT-SIPI", () => {
  vcpu = Vcpu.start(2, VcpuStart.INIT_SIPI);
  takesEveryOrder();
});

group("several", () => {
  test("run at the same time", () => {
    const one = Vcpu.start(3);
    one.block();
    vcpu.block();
    expect(one.idle || vcpu.idle).toBeFalse();
    one.wake();
    expect(one.wait(LONG)).toBeTrue();
    expect(vcpu.wait(20 * MILLISECOND)).toBeFalse();
    vcpu.wake();
    expect(vcpu.wait(LONG)).toBeTrue();
  });
});
