// Blocks with an event pending. `interrupts=off` on the command line: with interrupts off.

import { VIRQ_TIMER, SCHEDOP_block, checked, commandLineValue, evtchn, timer } from "xenlet";
import { SHARED_INFO_VCPU_INFO, VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/abi/xen";
import { sched_op } from "xenlet/hypercall";
import { interrupts_off, interrupts_on, load8 } from "xenlet/intrinsics";
import { sharedInfo } from "xenlet/shared_info";

const port = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
checked("EVTCHNOP_unmask", evtchn.unmask(port));

interrupts_off();
checked("VCPUOP_set_singleshot_timer", timer.set(1));
while (!evtchn.isPending(port)) {}
const upcall = load8(sharedInfo() + SHARED_INFO_VCPU_INFO + VCPU_INFO_EVTCHN_UPCALL_PENDING);
console.log("upcall pending " + upcall.toString());
if (commandLineValue("interrupts") == "on") {
  // Taken here, by the handler. The next timer is still to come when Xen looks: it ends the sleep.
  checked("VCPUOP_set_singleshot_timer", timer.set(1));
  interrupts_on();
  evtchn.clear(port);
  checked("VCPUOP_set_singleshot_timer", timer.set(u64.MAX_VALUE >> 1));
}
sched_op(SCHEDOP_block, 0);
console.log("awake");
