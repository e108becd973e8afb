// What `import { ... } from "xenlet"` gives a guest.

export { sched, PollWake, POLL_MAX_PORTS } from "./internal/sched/sched";
export { evtchn, PortStatus } from "./internal/events/evtchn";
export { after, every } from "./internal/loop/timers";
export { runLoop, waitForEvents } from "./internal/loop/loop";
export { Watchdog, WATCHDOG_TIMERS, watchdogOp } from "./internal/sched/watchdog";
export { Vcpu, VcpuStart, MAX_VCPUS } from "./internal/sched/vcpu";
export { StepAnswer, VcpuBarrier, VcpuProgram, VcpuStep } from "./internal/sched/vcpu-program";
export { timer } from "./internal/time/timer";
export { softReset, xen } from "./internal/reset/soft-reset";
export { SUSPEND_CANCEL, suspend } from "./internal/reset/suspend";
export { kexec } from "./internal/kexec/kexec";
export { KexecOptions } from "./internal/kexec/plan";
export { CrashedGuest } from "./internal/kexec/crashed";
export { PhysicalBytes } from "./internal/memory/physical";
export { Step, StepEvent } from "./internal/reset/preparation";
export { xenstore, StoreList, StoreValue, StoreWatch, Transaction } from "./xenstore";
export { control } from "./internal/reset/control";
export { systemTime, wallClock } from "./internal/time/time";
export { commandLine, commandLineValue, bootModules, BootModule } from "./internal/start/start-info";
export { record, step, measure } from "./internal/console/record";
export { checked } from "./raw/hypercall";
export { describeResult } from "./raw/errno";
export * from "./raw/abi/sched";
export { VIRQ_TIMER, VIRQ_DEBUG, DOMID_SELF } from "./raw/abi/xen";
