// What no hypercall tells of a vCPU, and no AssemblyScript could: src/guest/conformance/native has the C.

/** With every register set; `argument`: SCHEDOP_shutdown's, `spoil`: the control; `report`: REPORT_SIZE bytes. */
@external("native", "shutdown_with_registers")
export declare function shutdown_with_registers(argument: usize, spoil: u32, report: usize): void;
@external("native", "msr_read") export declare function msr_read(msr: u32): u64;
@external("native", "msr_write") export declare function msr_write(msr: u32, value: u64): void;
/** Turns vCPU 0's local APIC on. */
@external("native", "lapic_on") export declare function lapic_on(): void;
/** One 64-bit word for each of CONTROL_REGISTERS. */
@external("native", "control_registers") export declare function control_registers(to: usize): void;
@external("native", "set_debug_register") export declare function set_debug_register(value: u64): void;
@external("native", "hypercall_page_paddr") export declare function hypercall_page_paddr(): u64;
/** EVTCHNOP_reset with a shutdown in its middle: Xen's errno, or how often it was interrupted. Interrupts are off. */
@external("native", "interrupted_event_reset")
export declare function interrupted_event_reset(reason: u32, upcallPending: usize): i64;

/** A domctl, left unfinished by Xen in its middle and gone on with: Xen's own number. Interrupts are off. */
@external("native", "preempted_domctl")
export declare function preempted_domctl(argument: usize, upcallPending: usize): i64;
/** How often the last one was left. */
@external("native", "preemptions") export declare function preemptions(): u32;

/** A hypercall by a 32-bit caller: Xen's own number. Arguments lie below 4 GiB. Interrupts are off. */
@external("native", "compat_hypercall")
export declare function compat_hypercall(op: u32, a1: u32, a2: u32): i64;

// shutdown_with_registers()'s report: offsets in bytes, and what the bits of its maps are.
export const REPORT_SIZE: i32 = 24;
export const REPORT_RESULT: usize = 0;
export const REPORT_GENERAL: usize = 8;
export const REPORT_VECTOR: usize = 12;
export const REPORT_OTHERS: usize = 16;
export const REPORT_STACK: usize = 20;

export const GENERAL_REGISTERS = [
  "rbx",
  "rcx",
  "rdx",
  "rbp",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
];
export const VECTOR_REGISTERS = 16;
export const OTHER_REGISTERS = ["rsp", "rflags", "mxcsr", "the x87 control word"];

export const CONTROL_REGISTERS = [
  "cr0",
  "cr3",
  "cr4",
  "dr0",
  "dr7",
  "gdtr base",
  "gdtr limit",
  "idtr base",
  "idtr limit",
  "tr",
];

// SDM volume 4, table 2-2; volume 3, table 10-6 for the local APIC's.
export const MSR_APIC_BASE: u32 = 0x1b;
export const MSR_TSC_ADJUST: u32 = 0x3b;
/** Of the second of the variable ranges. */
export const MSR_MTRR_PHYS_BASE1: u32 = 0x202;
export const MSR_MTRR_PHYS_MASK1: u32 = 0x203;
export const MSR_PAT: u32 = 0x277;
export const MSR_MTRR_DEF_TYPE: u32 = 0x2ff;
export const MSR_X2APIC_ID: u32 = 0x802;
export const MSR_X2APIC_TPR: u32 = 0x808;
export const MSR_X2APIC_LDR: u32 = 0x80d;
export const MSR_X2APIC_SPURIOUS: u32 = 0x80f;
/** The first of eight, of 32 vectors each. */
export const MSR_X2APIC_IRR: u32 = 0x820;
export const MSR_X2APIC_LVT_TIMER: u32 = 0x832;
export const MSR_X2APIC_LVT_LINT0: u32 = 0x835;
export const MSR_X2APIC_LVT_LINT1: u32 = 0x836;
export const MSR_X2APIC_LVT_ERROR: u32 = 0x837;
export const MSR_X2APIC_TIMER_INITIAL: u32 = 0x838;
export const MSR_X2APIC_TIMER_CURRENT: u32 = 0x839;
export const MSR_X2APIC_TIMER_DIVIDE: u32 = 0x83e;
export const MSR_X2APIC_SELF_IPI: u32 = 0x83f;
export const MSR_EFER: u32 = 0xc0000080;
export const MSR_LSTAR: u32 = 0xc0000082;
export const MSR_FS_BASE: u32 = 0xc0000100;
export const MSR_GS_BASE: u32 = 0xc0000101;
export const MSR_KERNEL_GS_BASE: u32 = 0xc0000102;

/** Where upcalls by the local APIC come: boot/layout.h. */
export const LAPIC_UPCALL_VECTOR: u32 = 0x21;
/** LVT entries: the interrupt is masked. */
export const LVT_MASKED: u64 = 1 << 16;
