// What `import { ... } from "xenlet"` gives a guest.

export { sched, PollWake, POLL_MAX_PORTS } from "./sched";
export { evtchn, PortStatus } from "./evtchn";
export { after, every } from "./loop-timers";
export { runLoop } from "./loop";
export { Watchdog, WATCHDOG_TIMERS, watchdogOp } from "./watchdog";
export { Vcpu, VcpuStart, MAX_VCPUS } from "./vcpu";
export { timer } from "./timer";
export { softReset, xen } from "./soft_reset";
export { SUSPEND_CANCEL, suspend } from "./suspend";
export { kexec } from "./kexec/kexec";
export { KexecOptions } from "./kexec/plan";
export { CrashedGuest } from "./kexec/crashed";
export { PhysicalBytes } from "./physical";
export { Step, StepEvent } from "./preparation";
export { xenstore, StoreList, StoreValue, StoreWatch, Transaction } from "./xenstore";
export { control } from "./control";
export { systemTime, wallClock } from "./time";
export { commandLine, commandLineValue, bootModules, BootModule } from "./start_info";
export { record, step, measure } from "./record";
export { checked } from "./hypercall";
export { describeResult } from "./errno";
export * from "./abi/sched";
export { VIRQ_TIMER, VIRQ_DEBUG, DOMID_SELF } from "./abi/xen";
