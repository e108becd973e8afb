// SCHEDOP_yield: it has one answer, whatever stands beside it.
// Why: the loop that waits for another vCPU trusts that it neither fails nor sleeps. What it is for, letting
// another vCPU run, takes two of them: test/boot/sched-vcpus.test.ts. Fails if it returns anything but 0.

import { SCHEDOP_yield, measure, sched, systemTime } from "xenlet";
import { sched_op } from "xenlet/raw/hypercall";
import { expect, group, test } from "xenlet/test";
import { NOWHERE } from "./_sched";

const TIMES = 1000;

group("yield", () => {
  test("is 0, a thousand times", () => {
    const start = systemTime();
    let sum: i64 = 0;
    for (let i = 0; i < TIMES; i++) sum |= sched.yield();
    measure("yield", <f64>(systemTime() - start) / TIMES, "ns");
    expect(sum).toBe(0);
  });

  test("does not look at its argument", () => {
    expect(sched_op(SCHEDOP_yield, 0)).toBe(0);
    expect(sched_op(SCHEDOP_yield, NOWHERE)).toBe(0);
  });
});
