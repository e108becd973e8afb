// What the other vCPUs keep: registers, MSRs, their local APIC, whether they run through the reset or are down meanwhile. Xen
// pauses them for the shutdown and lets them run again, and writes nowhere into their state, as for vCPU 0 (survives-cpu.ts). A
// kernel that resumes after a refused request relies on it; and one that jumps has to take these vCPUs down and bring
// them to their start by INIT, since nothing else did.
//
// As nothing differs with the reset, the control breaks what is looked at.

import { describeResult } from "xenlet";
import { interrupts_off } from "xenlet/raw/cpu";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import {
  LVT_MASKED,
  MSR_APIC_BASE,
  MSR_EFER,
  MSR_FS_BASE,
  MSR_KERNEL_GS_BASE,
  MSR_LSTAR,
  MSR_MTRR_DEF_TYPE,
  MSR_MTRR_PHYS_BASE1,
  MSR_MTRR_PHYS_MASK1,
  MSR_PAT,
  MSR_TSC_ADJUST,
  MSR_X2APIC_ID,
  MSR_X2APIC_LDR,
  MSR_X2APIC_LVT_ERROR,
  MSR_X2APIC_LVT_LINT0,
  MSR_X2APIC_LVT_TIMER,
  MSR_X2APIC_SPURIOUS,
  MSR_X2APIC_TIMER_DIVIDE,
  MSR_X2APIC_TIMER_INITIAL,
  MSR_X2APIC_TPR,
} from "../probes";
import { HELD_REGISTERS, RemoteVcpu } from "../remote";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const OTHER_VCPUS_CPU = scenario({ name: "other-vcpus-cpu", area: "Other vCPUs", vcpus: 3 });
const REGISTERS = OTHER_VCPUS_CPU.check({
  name: "other-vcpus/registers",
  title: "General-purpose and vector registers of another vCPU keep their values",
});
const MSRS_RUNNING = OTHER_VCPUS_CPU.check({
  name: "other-vcpus/msrs",
  title: "MSRs, MTRRs, DR0 and TSC_ADJUST of another vCPU keep their values",
});
const MSRS_DOWN = OTHER_VCPUS_CPU.check({
  name: "other-vcpus/msrs-down",
  title: "MSRs, MTRRs, DR0 and TSC_ADJUST of a vCPU that is down during the reset keep their values",
});
const LAPIC_RUNNING = OTHER_VCPUS_CPU.check({
  name: "other-vcpus/local-apic",
  title: "The local APIC of another vCPU keeps its registers",
});
const LAPIC_DOWN = OTHER_VCPUS_CPU.check({
  name: "other-vcpus/local-apic-down",
  title: "The local APIC of a vCPU that is down during the reset keeps its registers",
});

const MARK: u64 = 0x00005eed5eed0000;
const PRIORITY: u64 = 0x40;
const DIVIDE_BY_128: u64 = 0xa;
/** 256 MiB at 3 GiB, uncached: nothing of a small domain's. */
const MTRR_BASE: u64 = 0xc0000000;
const MTRR_MASK: u64 = 0xf0000800;

const MSR_NUMBERS: StaticArray<u32> = [
  MSR_EFER,
  MSR_PAT,
  MSR_LSTAR,
  MSR_FS_BASE,
  MSR_KERNEL_GS_BASE,
  MSR_APIC_BASE,
  MSR_TSC_ADJUST,
  MSR_MTRR_DEF_TYPE,
  MSR_MTRR_PHYS_BASE1,
  MSR_MTRR_PHYS_MASK1,
];
const MSR_NAMES = [
  "EFER",
  "PAT",
  "LSTAR",
  "FS base",
  "kernel GS base",
  "APIC base",
  "TSC_ADJUST",
  "the MTRRs' default type",
  "a variable MTRR's base",
  "its mask",
];
const LAPIC_NUMBERS: StaticArray<u32> = [
  MSR_X2APIC_ID,
  MSR_X2APIC_LDR,
  MSR_X2APIC_TPR,
  MSR_X2APIC_SPURIOUS,
  MSR_X2APIC_LVT_LINT0,
  MSR_X2APIC_LVT_ERROR,
  MSR_X2APIC_LVT_TIMER,
  MSR_X2APIC_TIMER_DIVIDE,
  MSR_X2APIC_TIMER_INITIAL,
];
const LAPIC_NAMES = [
  "id",
  "logical destination",
  "priority",
  "spurious vector",
  "LINT0",
  "error",
  "timer",
  "divider",
  "initial count",
];

function prepare(vcpu: RemoteVcpu): void {
  const mark = MARK + vcpu.id * 16;
  vcpu.debugRegister = mark;
  vcpu.writeMsr(MSR_LSTAR, mark + 1);
  vcpu.writeMsr(MSR_FS_BASE, mark + 2);
  vcpu.writeMsr(MSR_KERNEL_GS_BASE, mark + 3);
  vcpu.writeMsr(MSR_TSC_ADJUST, 0x1000 + vcpu.id);
  vcpu.writeMsr(MSR_MTRR_PHYS_BASE1, MTRR_BASE);
  vcpu.writeMsr(MSR_MTRR_PHYS_MASK1, MTRR_MASK);
  vcpu.turnLapicOn();
  vcpu.writeMsr(MSR_X2APIC_TPR, PRIORITY);
  vcpu.writeMsr(MSR_X2APIC_LVT_ERROR, LVT_MASKED | 0x56);
  vcpu.writeMsr(MSR_X2APIC_LVT_TIMER, LVT_MASKED | 0x57);
  vcpu.writeMsr(MSR_X2APIC_TIMER_DIVIDE, DIVIDE_BY_128);
  vcpu.writeMsr(MSR_X2APIC_TIMER_INITIAL, u32.MAX_VALUE);
}

/** What a world that lost some of it would have left. */
function spoil(vcpu: RemoteVcpu): void {
  vcpu.writeMsr(MSR_LSTAR, 0);
  vcpu.writeMsr(MSR_TSC_ADJUST, 0);
  vcpu.writeMsr(MSR_X2APIC_TPR, 0);
}

function read(vcpu: RemoteVcpu, numbers: StaticArray<u32>): Array<u64> {
  const values: Array<u64> = [];
  for (let i = 0; i < numbers.length; i++) values.push(vcpu.readMsr(numbers[i]));
  return values;
}

/** The names of those that differ, or "nothing". */
function changed(before: Array<u64>, after: Array<u64>, names: Array<string>): string {
  const found: Array<string> = [];
  for (let i = 0; i < before.length; i++) if (before[i] != after[i]) found.push(names[i]);
  return found.length == 0 ? "nothing" : found.join(", ");
}

export class OtherVcpusCpu extends Scenario {
  constructor() {
    super(OTHER_VCPUS_CPU);
  }

  get controlIsReset(): bool {
    return true;
  }

  guest(side: GuestSide): void {
    const running = RemoteVcpu.start(1);
    const down = RemoteVcpu.start(2);
    const vcpus = [running, down];
    const msrs: Array<Array<u64>> = [];
    const lapics: Array<Array<u64>> = [];
    for (let i = 0; i < 2; i++) {
      prepare(vcpus[i]);
      const before = read(vcpus[i], MSR_NUMBERS);
      before.push(vcpus[i].debugRegister);
      msrs.push(before);
      lapics.push(read(vcpus[i], LAPIC_NUMBERS));
    }
    running.holdRegisters();
    down.down();
    interrupts_off();
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    down.up();
    let lost = running.lostRegisters();
    if (side.control) lost |= 1;
    const names = MSR_NAMES.concat(["DR0"]);
    const changedMsrs: Array<string> = [];
    const changedLapics: Array<string> = [];
    for (let i = 0; i < 2; i++) {
      if (side.control) spoil(vcpus[i]);
      const after = read(vcpus[i], MSR_NUMBERS);
      after.push(vcpus[i].debugRegister);
      changedMsrs.push(changed(msrs[i], after, names));
      changedLapics.push(changed(lapics[i], read(vcpus[i], LAPIC_NUMBERS), LAPIC_NAMES));
    }
    side.attach();
    const lostNames: Array<string> = [];
    for (let i = 0; i < HELD_REGISTERS.length; i++) if ((lost >> i) & 1) lostNames.push(HELD_REGISTERS[i]);
    side.check(REGISTERS, lost == 0, "registers of vCPU 1 that changed: " + lostNames.join(", "));
    side.check(MSRS_RUNNING, changedMsrs[0] == "nothing", "changed on vCPU 1: " + changedMsrs[0]);
    side.check(MSRS_DOWN, changedMsrs[1] == "nothing", "changed on vCPU 2: " + changedMsrs[1]);
    side.check(LAPIC_RUNNING, changedLapics[0] == "nothing", "changed on vCPU 1: " + changedLapics[0]);
    side.check(LAPIC_DOWN, changedLapics[1] == "nothing", "changed on vCPU 2: " + changedLapics[1]);
  }

  onSoftReset(side: ToolstackSide): bool {
    return side.softReset() == 0;
  }
}
