// SCHEDOP_shutdown and SCHEDOP_shutdown_code as far as the domain survives them.
// Why: an operation that ends the domain must not do so for an argument that it could not read. What they do
// with one that they can: test/boot/sched-shutdown.test.ts. Fails if Xen takes a bad pointer for a reason.

import { SCHEDOP_shutdown, SCHEDOP_shutdown_code } from "xenlet";
import { EFAULT } from "xenlet/raw/errno";
import { sched_op } from "xenlet/raw/hypercall";
import { expect, group, test } from "xenlet/test";
import { NOWHERE } from "./_sched";

group("shutdown", () => {
  test("a bad address is -EFAULT, and the domain lives", () => {
    expect(sched_op(SCHEDOP_shutdown, 0)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_shutdown, NOWHERE)).toBe(-EFAULT);
  });
});

group("shutdown_code", () => {
  // Nothing is latched: the verdict that ends this guest is poweroff, and would not be.
  test("a bad address is -EFAULT, and latches nothing", () => {
    expect(sched_op(SCHEDOP_shutdown_code, 0)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_shutdown_code, NOWHERE)).toBe(-EFAULT);
  });
});
