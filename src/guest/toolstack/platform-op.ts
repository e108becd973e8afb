// What the hardware domain asks of the machine: HYPERVISOR_platform_op (do_platform_op(), xen/arch/x86/platform_hypercall.c).

import { hypercall1 } from "xenlet/internal/intrinsics";
import { XENPF_INTERFACE_VERSION, __HYPERVISOR_platform_op, xen_platform_op } from "xenlet/raw/abi/platform";

/** Our own number: domctls and grants name a domain by that, and know no DOMID_SELF. */
export const HARDWARE_DOMAIN: u16 = 0;

/** struct xen_platform_op: its head, and the union of 128 bytes. */
const argument: usize = memory.data(offsetof<xen_platform_op>() + 128, 8);

/** Where the operation's own structure goes, and where Xen's answer is: one for all. */
export function platformArgument(): usize {
  return argument + offsetof<xen_platform_op>();
}

/** XENPF_*, on what stands at platformArgument(). Xen's own number. */
export function platformOp(cmd: u32): i64 {
  const op = changetype<xen_platform_op>(argument);
  op.cmd = cmd;
  op.interface_version = XENPF_INTERFACE_VERSION;
  return hypercall1(__HYPERVISOR_platform_op, argument);
}
