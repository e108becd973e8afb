// domctl and sysctl, raw: the buffer, the version, Xen's own number back. Only the hardware domain may make
// these (XSM_PRIV, xen/include/xsm/dummy.h).

import { hypercall1 } from "xenlet/internal/intrinsics";
import { __HYPERVISOR_domctl, xen_domctl } from "xenlet/raw/abi/domctl";
import { XEN_SYSCTL_physinfo, __HYPERVISOR_sysctl, xen_sysctl } from "xenlet/raw/abi/sysctl";
import { xenInterface } from "./interface";

/** struct xen_domctl and xen_sysctl hold 128 bytes behind their heads. */
const SIZE: i32 = 256;
const buffer: usize = memory.data(SIZE, 8);

/** Where an operation's own structure begins in the buffer. */
const DOMCTL_U: usize = offsetof<xen_domctl>();
const SYSCTL_U: usize = offsetof<xen_sysctl>();

/** Clears the buffer for an operation; returns the address of its own structure, to be filled in. */
export function domctlArgument(): usize {
  memory.fill(buffer, 0, SIZE);
  return buffer + DOMCTL_U;
}

/** XEN_DOMCTL_* `cmd` on domain `domid`, with what domctlArgument() was filled with. Xen's own number. */
export function domctl(cmd: u32, domid: u16): i64 {
  const head = changetype<xen_domctl>(buffer);
  head.cmd = cmd;
  head.interface_version = xenInterface().domctl;
  head.domain = domid;
  return hypercall1(__HYPERVISOR_domctl, buffer);
}

/** The domain that the last domctl() was about: createdomain says there which id it gave. */
export function domctlDomain(): u16 {
  return changetype<xen_domctl>(buffer).domain;
}

/** The same for a sysctl. */
export function sysctlArgument(): usize {
  memory.fill(buffer, 0, SIZE);
  return buffer + SYSCTL_U;
}

/** XEN_SYSCTL_* `cmd`, with what sysctlArgument() was filled with. Xen's own number. */
export function sysctl(cmd: u32): i64 {
  const head = changetype<xen_sysctl>(buffer);
  head.cmd = cmd;
  head.interface_version = xenInterface().sysctl;
  return hypercall1(__HYPERVISOR_sysctl, buffer);
}

/** Pages that Xen has free in the whole machine; Xen's negative errno if it does not say. */
export function freePages(): i64 {
  const at = sysctlArgument();
  const result = sysctl(XEN_SYSCTL_physinfo);
  return result < 0 ? result : load<u64>(at + xenInterface().free_pages);
}
