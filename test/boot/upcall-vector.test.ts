// Event upcalls through the local APIC, and what they leave behind for a later kernel in the domain.
// Why: Xen cannot unset the vector, so a guest that asks for it changes the domain permanently; the next kernel has to
// know what it will see. Fails if a wake-up is lost (an interrupt that is not ended holds back all later ones), or
// if the warning in src/guest/xenlet/internal/events/upcall-vector.ts is not the truth.

import { beforeAll, expect, test } from "vitest";

import { boot, build, expectSuccess, printed } from "./setup.js";

const REFUSALS = ["0x0f: -EINVAL", "vCPU 9: -ENOENT", "0: -EINVAL"];

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/upcall-vector.ts", {
    native: ["test/boot/guest/upcall-vector.c"],
  });
});

test("1,000 wake-ups, none lost", async () => {
  const result = await boot(image, { on: "dom0", cmdline: "vector=lapic" });
  expectSuccess(result);
  expect(printed(result)).toEqual([...REFUSALS, "woken 1000"]);
});

test("a later user of the callback vector alone is called while it runs, and sleeps for ever", async () => {
  const result = await boot(image, {
    on: "dom0",
    cmdline: "vector=lapic then=callback",
    timeoutMs: 3000,
  });
  expect(result).toMatchObject({ verdict: "timeout", stage: "runtime" });
  expect(printed(result)).toEqual([...REFUSALS, "woken 1000", "running, it sees its event"]);
});

test("a later user that sets a vector of its own is woken", async () => {
  const result = await boot(image, { on: "dom0", cmdline: "vector=lapic then=own" });
  expectSuccess(result);
  expect(printed(result)).toEqual([...REFUSALS, "woken 1000", "woken 400"]);
});

test("the control: without the vector, the same later user is woken", async () => {
  const result = await boot(image, { on: "dom0", cmdline: "vector=callback then=callback" });
  expectSuccess(result);
  expect(printed(result)).toEqual(["woken 1000", "running, it sees its event", "woken 400"]);
});
