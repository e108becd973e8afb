// Debian's Linux crashes in a PVH domain of our own toolstack, and its crash kernel comes up behind a soft reset: on the
// vCPU that crashed, alone, with its clock going, and with the dead kernel's memory to read.
//
// Why: kdump is what SHUTDOWN_soft_reset was made for, and nothing of this path is orderly: no vCPU but one is asked to
// leave anything, nothing is unregistered. How it would fail: the crash kernel finds an area or a port taken and panics, its
// timer does not go, /proc/vmcore has no notes or not the dead kernel's log.
//
// The control is the same with the domain resumed as it is: the crash kernel then dies of the first area that it registers.
// A panic with no crash kernel loaded is no request for a soft reset at all.

import { expect, test } from "vitest";

import { REGISTERED } from "../boot/xl-stage.js";
import { playCell } from "./kdump-stage.js";

const RELEASE = "4.17";
const PANIC = "second: log: Kernel panic - not syncing: sysrq triggered crash";
const LIMIT_MS = 1_000_000;

test(
  "crash: a vmcore, and Linux loses one page of it",
  async () => {
    const { said, shutdowns } = await playCell(RELEASE, { words: "cpu=0" });
    expect(said).toContain("first: loaded 1, crashes on 0");
    expect(said).toContain("second: PVH, 1 CPUs, clocksource xen");
    expect(said).toContain("second: its clock goes");
    expect(said).toContainEqual(
      expect.stringMatching(/^second: vmcore: 1 of NT_PRSTATUS, [1-9]\d* of VMCOREINFO$/),
    );
    expect(said).toContain("second: vmcore-dmesg: 0");
    expect(said).toContain(PANIC);
    // Not the log of any other boot.
    const [marker = ""] = said.filter((line) => line.startsWith("first: marker"));
    expect(said).toContain(`second: log: ${marker}`);
    expect(shutdowns).toMatchObject([{ reason: 5, online: 1 }, { reason: 0 }]);
    // The page is Linux's own fault (docs/upstream.md): what turns this red has fixed it.
    expect((shutdowns[0]?.pages ?? 0) - (shutdowns[1]?.pages ?? 0)).toBe(1);
  },
  LIMIT_MS,
);

test(
  "control: no crash kernel loaded: reason 3, and nobody is asked for a soft reset",
  async () => {
    const { said, shutdowns } = await playCell(RELEASE, { words: "cpu=0 load=none" });
    expect(said).toContain("first: loaded 0, crashes on 0");
    expect(shutdowns.map(({ reason }) => reason)).toEqual([3]);
  },
  LIMIT_MS,
);

test(
  "control: the domain resumed without the reset; the crash kernel panics at the first area that it registers",
  async () => {
    const failed = new RegExp(`register_vcpu_info failed: cpu=0 err=${REGISTERED[RELEASE]}`);
    const { said, shutdowns } = await playCell(RELEASE, {
      words: "cpu=0",
      onSoftReset: "resume",
      until: failed,
    });
    expect(said).toContainEqual(expect.stringMatching(failed));
    expect(said.filter((line) => line.startsWith("second: "))).toEqual([]);
    expect(shutdowns[0]).toMatchObject({ reason: 5 });
  },
  LIMIT_MS,
);
