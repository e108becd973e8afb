// Which domctl and sysctl interface this Xen speaks. Both are internal to Xen and its toolstack: a call with
// another version than the hypervisor's own is -EACCES, and structures move when the number does.
//
// INTERFACES is all that is known about them, from Xen's public headers of each release. A release that has not run
// this is marked, and is used nevertheless: its layout is known, its behaviour is not.

import { hypercall1 } from "xenlet/internal/intrinsics";
import { EACCES } from "xenlet/raw/errno";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { XEN_DOMCTL_getdomaininfo, __HYPERVISOR_domctl, xen_domctl } from "xenlet/raw/abi/domctl";
import { XEN_SYSCTL_physinfo, __HYPERVISOR_sysctl, xen_sysctl } from "xenlet/raw/abi/sysctl";

/** One row: offsets in bytes from the operation's own structure; 0: this release has no such field. */
export class Interface {
  constructor(
    /** The releases that have exactly this. */
    readonly releases: string,
    readonly domctl: u32,
    readonly sysctl: u32,
    /** Whether a boot has shown it. */
    readonly run: bool,
    // struct xen_domctl_createdomain, behind max_maptrack_frames
    readonly grant_opts: u32,
    readonly emulation_flags: u32,
    // struct xen_sysctl_physinfo
    readonly free_pages: u32,
    /** XEN_DOMCTL_set_paging_mempool_size; before it, XEN_DOMCTL_shadow_op sets the same pool. */
    readonly set_paging_mempool_size: bool,
  ) {}
}

/*
 * createdomain grew grant_opts with 4.16 (44), vmtrace_size with 4.15, cpupool_id with 4.17 and altp2m_opts with
 * 4.19; each pushed `arch`, whose first field is emulation_flags, down. physinfo: arch_capabilities with 4.17.
 */
/** Every release that is known, oldest first. */
export const INTERFACES: StaticArray<Interface> = [
  new Interface("4.14", 0x12, 0x13, true, 0, 44, 40, false),
  new Interface("4.15", 0x13, 0x13, true, 0, 48, 40, false),
  new Interface("4.16", 0x14, 0x14, false, 44, 52, 40, false),
  new Interface("4.17", 0x15, 0x15, true, 44, 56, 48, true),
  new Interface("4.18", 0x16, 0x15, true, 44, 56, 48, true),
  new Interface("4.19 or 4.20", 0x17, 0x15, true, 44, 60, 48, true),
  new Interface("4.21", 0x17, 0x16, true, 44, 60, 48, true),
  new Interface("4.22", 0x18, 0x16, true, 44, 60, 48, true),
];

const buffer: usize = memory.data(256, 8);

/** Tries a version on a call that only reads; whether it is this hypervisor's. */
function speaksDomctl(version: u32): bool {
  memory.fill(buffer, 0, 256);
  const head = changetype<xen_domctl>(buffer);
  head.cmd = XEN_DOMCTL_getdomaininfo;
  head.interface_version = version;
  head.domain = DOMID_SELF;
  return hypercall1(__HYPERVISOR_domctl, buffer) != -EACCES;
}

function speaksSysctl(version: u32): bool {
  memory.fill(buffer, 0, 256);
  const head = changetype<xen_sysctl>(buffer);
  head.cmd = XEN_SYSCTL_physinfo;
  head.interface_version = version;
  return hypercall1(__HYPERVISOR_sysctl, buffer) != -EACCES;
}

/** Interface versions are small numbers that go up by one; this is far above any to come. */
const HIGHEST: u32 = 0x100;

function findDomctl(): u32 {
  for (let version: u32 = 1; version < HIGHEST; version++) if (speaksDomctl(version)) return version;
  return 0;
}

function findSysctl(): u32 {
  for (let version: u32 = 1; version < HIGHEST; version++) if (speaksSysctl(version)) return version;
  return 0;
}

let known: Interface | null = null;

/**
 * The row for the hypervisor that this runs on, found by asking it. Ends the toolstack with both numbers, and with
 * what a row needs, where there is none.
 */
export function xenInterface(): Interface {
  const before = known;
  if (before) return before;
  for (let i = 0; i < INTERFACES.length; i++) {
    const row = INTERFACES[i];
    if (speaksDomctl(row.domctl) && speaksSysctl(row.sysctl)) {
      known = row;
      return row;
    }
  }
  throw new Error(
    "this Xen's domctl interface version is 0x" +
      findDomctl().toString(16) +
      " and its sysctl's 0x" +
      findSysctl().toString(16) +
      ", and the toolstack knows 4.14 (0x12, 0x13) to 4.22 (0x18, 0x16): src/guest/toolstack/interface.ts needs a row with where " +
      "createdomain.arch.emulation_flags, createdomain.grant_opts and physinfo.free_pages are in its headers",
  );
}
