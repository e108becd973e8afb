// From a guest of xenlet's into Debian's Linux, which finds Xen as on a first boot, runs its init and powers off; and with
// the soft reset left out, where Linux stops and says at what.
// Why: it is the peer that soft reset was made for, and nothing of it was written with this runtime in mind. Fails if
// the entry, start_info, the ACPI tables or the state that Xen is left in are not what Linux takes for a new domain.

import { beforeAll, expect, test } from "vitest";

import { boot, build, printed } from "./setup.js";
import { buildLinux, type Linux } from "./kernels.js";

const KERNEL = "last=0 then=1 records=no cmdline=earlyprintk=xen,keep+loglevel=7+panic=-1";

let image: string;
let linux: Linux;

beforeAll(async () => {
  [image, linux] = await Promise.all([build("test/boot/guest/kexec.ts"), buildLinux()]);
});

/** Boots, and returns what Linux wrote to Xen's debug port, without its time stamps. */
async function jump(cmdline: string) {
  const said: string[] = [];
  const result = await boot(image, {
    on: "domu",
    memoryMiB: 256,
    modules: [image, linux.vmlinux, linux.initramfs],
    cmdline,
    timeoutMs: 150_000,
    onConsole: (line, stream) => {
      if (stream === "port") said.push(line.replace(/^\[ *\d+\.\d+\] /, ""));
    },
  });
  return { result, said };
}

test("Linux finds a Xen as new, its init runs, and it powers off", async () => {
  const { result, said } = await jump(KERNEL);
  expect(printed(result)).toHaveLength(1);
  expect(said).toContain("Hypervisor detected: Xen HVM");
  expect(said).toContain("Booting kernel on Xen PVH");
  expect(said).toContain("xen:events: Using FIFO-based ABI");
  expect(said.filter((line) => line.startsWith("xenlet-init"))).toEqual([
    "xenlet-init: reached",
    "xenlet-init: hypervisor xen",
    "xenlet-init: guest_type PVH",
    "xenlet-init: clock xen",
  ]);
  expect(said.join("\n")).not.toMatch(/BUG|Oops|Kernel panic/);
  // Linux writes no exit record; how its domain ended is the toolstack's word.
  expect(result.ended).toMatchObject({ reason: 0 });
}, 200_000);

test("the control: with the reset left out, it cannot register its vcpu_info, and panics", async () => {
  const { result, said } = await jump(`${KERNEL} reset=no`);
  expect(said).toContain("Kernel panic - not syncing: register_vcpu_info failed: cpu=0 err=-22");
  expect(said.filter((line) => line.startsWith("xenlet-init"))).toEqual([]);
  expect(result.ended).toMatchObject({ reason: 3 });
}, 200_000);
