/**
 * QEMU's command line. What it shows: what is asked for is what QEMU is told,
 * and a printed command means the same to a shell. Why it matters: --dry-run is
 * how people take a run apart. How it would fail: a comma or a quote that splits.
 */
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import {
  hasSavedSize,
  machineArgs,
  quoteCommand,
  restoredArgs,
  type MachineOptions,
} from "../../../src/host/boot/qemu.js";

const BASE: MachineOptions = {
  xen: "/xen",
  image: "/guest.elf",
  nonce: "n0",
  memoryMiB: 128,
  vcpus: 1,
  pcpus: 2,
};

function valueOf(option: string, options: Partial<MachineOptions> = {}): string | undefined {
  const args = machineArgs({ ...BASE, ...options });
  const at = args.indexOf(option);
  return at < 0 ? undefined : args[at + 1];
}

describe("QEMU's arguments", () => {
  test("give the guest its nonce first, then its own words; commas are doubled", () => {
    expect(valueOf("-initrd")).toBe("/guest.elf nonce=n0");
    expect(valueOf("-initrd", { cmdline: "a=1,2 b", image: "/g,h.elf" })).toBe(
      "/g,,h.elf nonce=n0 a=1,,2 b",
    );
  });

  test("give the guest its memory, and Xen more for itself", () => {
    expect(valueOf("-append", { memoryMiB: 512 })).toContain(" dom0_mem=512M ");
    expect(Number(valueOf("-m", { memoryMiB: 512 }))).toBeGreaterThan(512);
    expect(valueOf("-append", { vcpus: 3 })).toContain("dom0_max_vcpus=3");
  });

  test("give the machine CPUs of its own, whatever the guest has", () => {
    expect(valueOf("-smp", { vcpus: 3 })).toBe("2");
    expect(valueOf("-smp", { pcpus: 4 })).toBe("4");
  });

  test("give a toolstack its job, and a machine of one of few sizes", () => {
    const args = machineArgs({ ...BASE, job: "/a,b/job" });
    expect(args.slice(args.indexOf("-fw_cfg"), -1)).toEqual(["-fw_cfg"]);
    expect(args.at(-1)).toBe("name=opt/xenlet/job,file=/a,,b/job");
    const sizes = [8, 64, 100, 150].map((memoryMiB) => valueOf("-m", { memoryMiB, job: "/job" }));
    expect(sizes).toEqual(["320", "320", "320", "320"]);
    expect(hasSavedSize(args)).toBe(true);
    expect(hasSavedSize(machineArgs({ ...BASE, memoryMiB: 4096, job: "/job" }))).toBe(false);
  });

  test("leave out what a machine began with, where it goes on from a state", () => {
    const args = restoredArgs(machineArgs({ ...BASE, job: "/job" }), "/other", "/a,b/ram");
    for (const word of ["-kernel", "/xen", "-initrd", "-append"]) expect(args).not.toContain(word);
    expect(args.slice(args.indexOf("-fw_cfg"))).toEqual([
      ...["-fw_cfg", "name=opt/xenlet/job,file=/other"],
      ...["-object", "memory-backend-file,id=ram,size=320M,share=off,mem-path=/a,,b/ram"],
      ...["-machine", "memory-backend=ram"],
      ...["-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control"],
      ...["-incoming", "defer"],
    ]);
    expect(args).toEqual(expect.arrayContaining(["-cpu", "-smp", "-m", "-no-reboot"]));
  });

  test("emulate nested paging, and keep the host's configuration out", () => {
    expect(valueOf("-cpu")).toBe("qemu64,+svm,+npt");
    expect(machineArgs(BASE)).toEqual(
      expect.arrayContaining(["-no-user-config", "-nodefaults", "-no-reboot"]),
    );
  });

  test("have gdb and icount only where they are wanted", () => {
    expect(machineArgs(BASE)).not.toContain("-S");
    expect(machineArgs(BASE)).not.toContain("-icount");
    expect(valueOf("-gdb", { gdbPort: 1234 })).toBe("tcp:127.0.0.1:1234");
    expect(machineArgs({ ...BASE, gdbPort: 1234 })).toContain("-S");
    expect(valueOf("-icount", { icount: true })).toBe("shift=0,sleep=off");
  });

  // By chance a guest may come through without it: test/boot/credit2.test.ts has what it is for.
  test("have no vCPU left in Xen's run queue", () => {
    expect(valueOf("-append")).toContain(" sched_credit2_migrate_resist=0 ");
  });

  test("end with the user's own, which QEMU then prefers", () => {
    expect(machineArgs({ ...BASE, qemuArgs: ["-m", "2048"] }).slice(-2)).toEqual(["-m", "2048"]);
    expect(valueOf("-append", { xenArgs: ["console_timestamps=boot"] })).toMatch(
      / console_timestamps=boot$/,
    );
  });

  test("refuse a path with white space, which QEMU would split", () => {
    expect(() => machineArgs({ ...BASE, image: "/a b" })).toThrow(/white space/);
  });
});

test("a printed command is the same to a shell, whatever is in it", async () => {
  const words = [
    "plain",
    "two words",
    "it's",
    '"',
    "$HOME",
    "",
    "a;b",
    "back\\slash",
    "*",
    "é",
    "a\nb",
    "~x",
  ];
  const line = quoteCommand("printf", ["%s\\0", ...words], { A_VARIABLE: "x y" });
  const { stdout } = await execa("sh", ["-c", line]);
  expect(stdout.split("\0").slice(0, -1)).toEqual(words);
  expect(line).toMatch(/^A_VARIABLE='x y' printf /);
});
