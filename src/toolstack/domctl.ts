// domctl and sysctl, raw: the buffer, the version, Xen's own number back. Only the hardware domain may make
// these (XSM_PRIV, xen/include/xsm/dummy.h).

import { hypercall1 } from "xenlet/intrinsics";
import { __HYPERVISOR_domctl, xen_domctl } from "./abi/domctl";
import {
  XEN_SYSCTL_physinfo,
  XEN_SYSCTL_readconsole,
  __HYPERVISOR_sysctl,
  xen_sysctl,
  xen_sysctl_readconsole,
} from "./abi/sysctl";
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

/** Pages that Xen has free in the whole machine; Xen's negative errno if it does not say. */
export function freePages(): i64 {
  memory.fill(buffer, 0, SIZE);
  const head = changetype<xen_sysctl>(buffer);
  head.cmd = XEN_SYSCTL_physinfo;
  head.interface_version = xenInterface().sysctl;
  const result = hypercall1(__HYPERVISOR_sysctl, buffer);
  return result < 0 ? result : load<u64>(buffer + SYSCTL_U + xenInterface().free_pages);
}

/** What of Xen's log is read at once; its ring has 16 KiB. */
const LOG_SIZE: u32 = 16384;
@lazy let logIndex: u32 = 0;

/** What Xen has logged since the last call of this, at most 16 KiB of it. */
export function readConsoleRing(): string {
  memory.fill(buffer, 0, SIZE);
  const head = changetype<xen_sysctl>(buffer);
  head.cmd = XEN_SYSCTL_readconsole;
  head.interface_version = xenInterface().sysctl;
  const text = heap.alloc(LOG_SIZE);
  const u = changetype<xen_sysctl_readconsole>(buffer + SYSCTL_U);
  u.incremental = 1;
  u.index = logIndex;
  u.buffer = text;
  u.count = LOG_SIZE;
  const result = hypercall1(__HYPERVISOR_sysctl, buffer);
  const log = result < 0 ? "" : String.UTF8.decodeUnsafe(text, u.count);
  logIndex = u.index;
  heap.free(text);
  return log;
}
