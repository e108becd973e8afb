// Why src/machine/qemu.ts has sched_credit2_migrate_resist=0 on Xen's command line. Xen's scheduler leaves a vCPU that has
// no credit to the pCPU it ran on last; if that one has in turn left it to another, it stays in the run queue while all
// pCPUs are idle (docs/upstream.md). A guest that starts vCPUs then stops for no reason of its own: with
// Xen's default, 500 µs, once in some hundred INIT or STARTUP interrupts. A higher resistance makes it nearly certain, and
// none makes it impossible. Fails if either is no longer so: then the word on the command line does nothing, or too little.

import { expect, test } from "vitest";

import type { BootOptions } from "../../src/machine/boot.js";
import { boot, build, expectSuccess, printed } from "./ground.js";

const image = await build("test/guests/kexec.ts");

const generations = (last: number, options: Partial<BootOptions> = {}) =>
  boot(image, {
    on: "domu",
    vcpus: 3,
    modules: [image],
    cmdline: `last=${String(last)} vcpus=3`,
    timeoutMs: 60_000,
    ...options,
  });

test("sixty INITs and twenty STARTUPs, and no vCPU is left in the run queue", async () => {
  const result = await generations(20);
  expectSuccess(result);
  expect(printed(result).filter((line) => line === "vCPU 1 runs")).toHaveLength(21);
});

test("the control: one that lacks 50 ms of credit for a move to another pCPU is", async () => {
  const result = await generations(50, {
    xenArgs: ["sched_credit2_migrate_resist=50000"],
    timeoutMs: 8_000,
  });
  expect(result.verdict).toBe("timeout");
  expect(result.message).toContain("none of its vCPUs was running");
});
