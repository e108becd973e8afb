// No wake-up is lost between the last look for events and the sleep.
// Why: on PVH Xen does not look at pending events with interrupts off, so block is issued with them on, and an
// upcall can come just before the hypercall; without the restartable sequence of boot/traps.S the guest then
// sleeps for ever. Thousands of timers are aimed at that window. Fails if one is lost: then the boot has no end.

import { beforeAll, describe, expect, test } from "vitest";

import { boot, build, expectSuccess, printed } from "./setup.js";

describe.each(["page", "direct"] as const)("with hypercalls by %s", (hypercall) => {
  let image: string;

  beforeAll(async () => {
    image = await build("test/boot/guest/wake.ts", { hypercall });
  });

  test("10,000 wake-ups, none lost", async () => {
    const result = await boot(image, { on: "dom0", cmdline: "rounds=10000", timeoutMs: 90_000 });
    expectSuccess(result);
    expect(printed(result)).toEqual(["woken 10000"]);
  });

  test("the control: the bare hypercall sleeps through one", async () => {
    const result = await boot(image, {
      on: "dom0",
      cmdline: "block=raw rounds=10000",
      timeoutMs: 3000,
    });
    expect(result).toMatchObject({ verdict: "timeout", running: [] });
    expect(result.message).toContain("none of its vCPUs was running");
  });
});
