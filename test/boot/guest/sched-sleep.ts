// Blocks with interrupts off. `event=before`: with an event pending; `event=later`: with none, and one to come.

import { checked, commandLineValue, evtchn, SCHEDOP_block, systemTime, timer, VIRQ_TIMER } from "xenlet";
import { SHARED_INFO_VCPU_INFO, VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { interrupts_off } from "xenlet/raw/cpu";
import { sched_op } from "xenlet/raw/hypercall";
import { load8 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";

const port = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
checked("EVTCHNOP_unmask", evtchn.unmask(port));

const later = commandLineValue("event") == "later";
interrupts_off();
checked("VCPUOP_set_singleshot_timer", timer.set(later ? systemTime() + 200_000_000 : 1));
while (!later && !evtchn.isPending(port)) {}
const upcall = load8(sharedInfo() + SHARED_INFO_VCPU_INFO + VCPU_INFO_EVTCHN_UPCALL_PENDING);
console.log("upcall pending " + upcall.toString());
sched_op(SCHEDOP_block, 0);
console.log("awake");
