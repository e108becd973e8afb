// SCHEDOP_block with interrupts off: the sleep that nothing ends.
// Why: on PVH Xen does not count an event as deliverable while interrupts are off, and raises no second upcall
// for the one that waits; a guest that blocks this way hangs, and says nothing. Fails if Xen wakes it after all:
// then the runtime's care about it (boot/traps.S) is for nothing.

import { beforeAll, expect, test } from "vitest";

import { boot, build, expectSuccess, printed } from "./setup.js";

let image: string;
beforeAll(async () => {
  image = await build("test/boot/guest/sched-sleep.ts");
});

test("with an event pending, block with interrupts off sleeps for ever", async () => {
  const result = await boot(image, { cmdline: "event=before", timeoutMs: 1500 });
  expect(result).toMatchObject({ verdict: "timeout", stage: "runtime", ended: null });
  expect(printed(result)).toEqual(["upcall pending 1"]);
});

test("control: an event that comes later ends the same block", async () => {
  const result = await boot(image, { cmdline: "event=later" });
  expectSuccess(result);
  expect(printed(result)).toEqual(["upcall pending 0", "awake"]);
});
