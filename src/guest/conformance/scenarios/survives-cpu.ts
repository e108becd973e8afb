// What a vCPU keeps. The guest continues at the instruction after its hypercall, with the registers that it had: Xen
// pauses the vCPU for the shutdown and lets it run again (domain_shutdown(), domain_resume(), xen/common/domain.c), and
// its state is nowhere written in between. A kernel that kexecs relies on all of it: the jump is made by the code,
// from the stack and with the page tables that were there before.
//
// Control and debug registers and MSRs are as they were too, the local APIC's included: its priority, its vectors, its
// running timer. That helps a kernel that resumes, and burdens one that jumps: the next kernel must find the
// timer stopped.
//
// SCHEDOP_shutdown returns 0, and it does not say more than that: a domain that was resumed without a reset sees the
// same (what it can tell by is in the other scenarios). As nothing here differs with the reset, the control breaks
// what is looked at: a register changes on the way, the guest writes another value, the call is made with a bad pointer.

import { sched_shutdown, SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import { interrupts_off } from "xenlet/raw/cpu";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import {
  CONTROL_REGISTERS,
  GENERAL_REGISTERS,
  LVT_MASKED,
  MSR_APIC_BASE,
  MSR_EFER,
  MSR_FS_BASE,
  MSR_GS_BASE,
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
  MSR_X2APIC_LVT_LINT1,
  MSR_X2APIC_LVT_TIMER,
  MSR_X2APIC_SPURIOUS,
  MSR_X2APIC_TIMER_CURRENT,
  MSR_X2APIC_TIMER_DIVIDE,
  MSR_X2APIC_TIMER_INITIAL,
  MSR_X2APIC_TPR,
  OTHER_REGISTERS,
  REPORT_GENERAL,
  REPORT_OTHERS,
  REPORT_RESULT,
  REPORT_SIZE,
  REPORT_STACK,
  REPORT_VECTOR,
  VECTOR_REGISTERS,
  control_registers,
  lapic_on,
  msr_read,
  msr_write,
  set_debug_register,
  shutdown_with_registers,
} from "../probes";
import { Scenario } from "../scenario";

const argument = changetype<sched_shutdown>(memory.data(offsetof<sched_shutdown>(), 4));
const report: usize = memory.data(REPORT_SIZE, 8);
const words: usize = memory.data(16 * 8, 8);

const MARK: u64 = 0x00005eed5eed5eed;
/** A divider of 128, and masked: it counts for minutes, and raises nothing. */
const DIVIDE_BY_128: u64 = 0xa;
const TIMER_VECTOR: u64 = 0x55;
const PRIORITY: u64 = 0x50;
/** As at power-on, but for its last entry, which nothing uses: uncached. */
const OTHER_PAT: u64 = 0x0007040600070406 | (0x07 << 56);
/** 256 MiB at 3 GiB, uncached: nothing of a small domain's. */
const MTRR_BASE: u64 = 0xc0000000;
const MTRR_MASK: u64 = 0xf0000800;

/** "none of 12", or which. */
function changed(map: u32, names: Array<string>): string {
  const found: Array<string> = [];
  for (let i = 0; i < names.length; i++) if ((map & (1 << i)) != 0) found.push(names[i]);
  return found.length == 0 ? "none of " + names.length.toString() : found.join(", ");
}

function numbered(name: string, count: i32): Array<string> {
  const names: Array<string> = [];
  for (let i = 0; i < count; i++) names.push(name + i.toString());
  return names;
}

/** Values by name, of before and after. */
class Values {
  private values: Array<u64> = [];

  constructor(private names: Array<string>) {}

  add(value: u64): void {
    this.values.push(value);
  }

  /** A bit map of those that differ. */
  differing(from: Values): u32 {
    let map: u32 = 0;
    for (let i = 0; i < this.values.length; i++) if (this.values[i] != from.values[i]) map |= 1 << i;
    return map;
  }

  check(side: GuestSide, name: string, after: Values): void {
    const map = this.differing(after);
    side.check(name, map == 0, "changed: " + changed(map, this.names));
  }
}

function controlRegisters(): Values {
  const values = new Values(CONTROL_REGISTERS);
  control_registers(words);
  for (let i = 0; i < CONTROL_REGISTERS.length; i++) values.add(load<u64>(words + i * 8));
  return values;
}

function msrs(names: Array<string>, numbers: Array<u32>): Values {
  const values = new Values(names);
  for (let i = 0; i < numbers.length; i++) values.add(msr_read(numbers[i]));
  return values;
}

function otherMsrs(): Values {
  return msrs(
    [
      "EFER",
      "PAT",
      "LSTAR",
      "FS base",
      "GS base",
      "kernel GS base",
      "APIC base",
      "TSC_ADJUST",
      "the MTRRs' default type",
      "a variable MTRR's base",
      "its mask",
    ],
    [
      MSR_EFER,
      MSR_PAT,
      MSR_LSTAR,
      MSR_FS_BASE,
      MSR_GS_BASE,
      MSR_KERNEL_GS_BASE,
      MSR_APIC_BASE,
      MSR_TSC_ADJUST,
      MSR_MTRR_DEF_TYPE,
      MSR_MTRR_PHYS_BASE1,
      MSR_MTRR_PHYS_MASK1,
    ],
  );
}

function localApic(): Values {
  return msrs(
    [
      "id",
      "logical destination",
      "priority",
      "spurious vector",
      "LINT0",
      "LINT1",
      "error",
      "timer",
      "divider",
      "initial count",
    ],
    [
      MSR_X2APIC_ID,
      MSR_X2APIC_LDR,
      MSR_X2APIC_TPR,
      MSR_X2APIC_SPURIOUS,
      MSR_X2APIC_LVT_LINT0,
      MSR_X2APIC_LVT_LINT1,
      MSR_X2APIC_LVT_ERROR,
      MSR_X2APIC_LVT_TIMER,
      MSR_X2APIC_TIMER_DIVIDE,
      MSR_X2APIC_TIMER_INITIAL,
    ],
  );
}

const SURVIVES_CPU = scenario({ name: "survives-cpu", area: "What survives" });
const STACK = SURVIVES_CPU.check({
  name: "survives/stack",
  title: "The stack keeps its contents",
});
const RETURN_VALUE = SURVIVES_CPU.check({
  name: "survives/return-value",
  title: "SCHEDOP_shutdown returns 0 after the reset",
});
const CHECK_GENERAL_REGISTERS = SURVIVES_CPU.check({
  name: "survives/general-registers",
  title: "General-purpose registers keep their values",
});
const CHECK_VECTOR_REGISTERS = SURVIVES_CPU.check({
  name: "survives/vector-registers",
  title: "Vector registers keep their values",
});
const CHECK_OTHER_REGISTERS = SURVIVES_CPU.check({
  name: "survives/other-registers",
  title: "The stack pointer, flags, MXCSR and the x87 control word keep their values",
});
const CHECK_CONTROL_REGISTERS = SURVIVES_CPU.check({
  name: "survives/control-registers",
  title: "Control and debug registers and descriptor tables keep their values",
});
const MSRS = SURVIVES_CPU.check({
  name: "survives/msrs",
  title: "MSRs (EFER, PAT, LSTAR, segment bases, APIC base, TSC_ADJUST, MTRRs) keep their values",
});
const LOCAL_APIC = SURVIVES_CPU.check({
  name: "survives/local-apic",
  title: "The local APIC keeps its registers",
});
const LOCAL_APIC_TIMER_RUNS = SURVIVES_CPU.check({
  name: "survives/local-apic-timer-runs",
  title: "The local APIC's timer keeps running",
});

export class SurvivesCpu extends Scenario {
  constructor() {
    super(SURVIVES_CPU);
  }

  private prepare(): void {
    set_debug_register(MARK);
    msr_write(MSR_LSTAR, MARK);
    msr_write(MSR_FS_BASE, MARK + 1);
    msr_write(MSR_KERNEL_GS_BASE, MARK + 2);
    msr_write(MSR_PAT, OTHER_PAT);
    msr_write(MSR_TSC_ADJUST, 0x100);
    msr_write(MSR_MTRR_PHYS_BASE1, MTRR_BASE);
    msr_write(MSR_MTRR_PHYS_MASK1, MTRR_MASK);
    lapic_on();
    msr_write(MSR_X2APIC_TPR, PRIORITY);
    msr_write(MSR_X2APIC_LVT_ERROR, LVT_MASKED | (TIMER_VECTOR + 1));
    msr_write(MSR_X2APIC_LVT_TIMER, LVT_MASKED | TIMER_VECTOR);
    msr_write(MSR_X2APIC_TIMER_DIVIDE, DIVIDE_BY_128);
    msr_write(MSR_X2APIC_TIMER_INITIAL, u32.MAX_VALUE);
  }

  /** What a world that lost some of it would have left. */
  private spoil(): void {
    set_debug_register(0);
    msr_write(MSR_KERNEL_GS_BASE, 0);
    msr_write(MSR_X2APIC_TPR, 0);
    msr_write(MSR_X2APIC_TIMER_INITIAL, 0);
  }

  guest(side: GuestSide): void {
    this.prepare();
    const registersBefore = controlRegisters();
    const msrsBefore = otherMsrs();
    const apicBefore = localApic();
    const countBefore = msr_read(MSR_X2APIC_TIMER_CURRENT);

    argument.reason = SHUTDOWN_soft_reset;
    interrupts_off();
    shutdown_with_registers(side.control ? 0 : changetype<usize>(argument), side.control, report);
    if (side.control) this.spoil();
    const registersAfter = controlRegisters();
    const msrsAfter = otherMsrs();
    const apicAfter = localApic();
    const countAfter = msr_read(MSR_X2APIC_TIMER_CURRENT);
    msr_write(MSR_X2APIC_TIMER_INITIAL, 0);
    msr_write(MSR_X2APIC_TPR, 0);
    msr_write(MSR_TSC_ADJUST, 0);

    /* The library has to be told about a reset, to set everything up again. */
    side.reset();
    side.result(RETURN_VALUE, "SCHEDOP_shutdown", load<i64>(report + REPORT_RESULT), 0);
    this.registers(side);
    registersBefore.check(side, CHECK_CONTROL_REGISTERS, registersAfter);
    msrsBefore.check(side, MSRS, msrsAfter);
    apicBefore.check(side, LOCAL_APIC, apicAfter);
    side.check(
      LOCAL_APIC_TIMER_RUNS,
      countAfter > 0 && countAfter < countBefore,
      "the local APIC's timer counts down: " + countBefore.toString() + ", then " + countAfter.toString(),
    );
  }

  private registers(side: GuestSide): void {
    const general = load<u32>(report + REPORT_GENERAL);
    const vector = load<u32>(report + REPORT_VECTOR);
    const others = load<u32>(report + REPORT_OTHERS);
    side.check(CHECK_GENERAL_REGISTERS, general == 0, "changed: " + changed(general, GENERAL_REGISTERS));
    side.check(
      CHECK_VECTOR_REGISTERS,
      vector == 0,
      "changed: " + changed(vector, numbered("xmm", VECTOR_REGISTERS)),
    );
    side.check(CHECK_OTHER_REGISTERS, others == 0, "changed: " + changed(others, OTHER_REGISTERS));
    side.same(STACK, "words of the stack that changed, of 64", load<u32>(report + REPORT_STACK), 0);
  }
}
