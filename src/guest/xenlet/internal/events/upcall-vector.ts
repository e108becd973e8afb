// Event upcalls through the local APIC: HVMOP_set_evtchn_upcall_vector, xen/arch/x86/hvm/irq.c (4.17).

import { hvm_op } from "../../raw/hypercall";
import { lapic_upcall_vector } from "../intrinsics";
import { HVMOP_set_evtchn_upcall_vector, xen_hvm_evtchn_upcall_vector } from "../../raw/abi/hvm";
import { needSharedInfo } from "./shared-info";

@lazy const argument = changetype<xen_hvm_evtchn_upcall_vector>(
  memory.data(offsetof<xen_hvm_evtchn_upcall_vector>(), 4),
);

/**
 * Lets vCPU 0's upcalls come through its local APIC, which is what interrupt priorities and hardware support for
 * interrupt delivery need.
 *
 * IRREVERSIBLE: Xen has no call that takes the vector back (one below 0x10 is -EINVAL), and neither soft reset nor
 * a callback vector set later does. As long as the domain lives, Xen wakes this vCPU for an event only through its
 * local APIC. A later kernel that sets HVM_PARAM_CALLBACK_IRQ alone still gets its callback whenever the vCPU runs,
 * but with the APIC turned off a vCPU that sleeps in SCHEDOP_block or hlt is never woken; with it on, an interrupt
 * that it does not know comes as well. It has to set a vector of its own.
 *
 * The callback vector stays set too (a PVH domain cannot unset it), so an event then makes two interrupts. Returns
 * 0; -ENOSYS, -EINVAL: this Xen cannot.
 */
export function useUpcallVector(): i64 {
  needSharedInfo();
  argument.vcpu = 0;
  argument.vector = <u8>lapic_upcall_vector();
  return hvm_op(HVMOP_set_evtchn_upcall_vector, changetype<usize>(argument));
}
