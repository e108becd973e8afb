// xen/include/public/domctl.h, Xen 4.17. What moves between releases is in ../interface.ts.

export const __HYPERVISOR_domctl: u32 = 36;

export const XEN_DOMCTL_createdomain: u32 = 1;
export const XEN_DOMCTL_destroydomain: u32 = 2;
export const XEN_DOMCTL_pausedomain: u32 = 3;
export const XEN_DOMCTL_unpausedomain: u32 = 4;
export const XEN_DOMCTL_getdomaininfo: u32 = 5;
export const XEN_DOMCTL_shadow_op: u32 = 10;
export const XEN_DOMCTL_max_mem: u32 = 11;
export const XEN_DOMCTL_max_vcpus: u32 = 15;
export const XEN_DOMCTL_resumedomain: u32 = 27;
export const XEN_DOMCTL_sethvmcontext: u32 = 34;
export const XEN_DOMCTL_memory_mapping: u32 = 39;
export const XEN_DOMCTL_soft_reset: u32 = 79;
export const XEN_DOMCTL_set_paging_mempool_size: u32 = 86;

export const XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION: u32 = 31;

export const XEN_DOMCTL_CDF_hvm: u32 = 1;
export const XEN_DOMCTL_CDF_hap: u32 = 2;

/** Emulated devices, xen/include/public/arch-x86/xen.h: a PVH domain has the local APIC only. */
export const XEN_X86_EMU_LAPIC: u32 = 1 << 0;
export const XEN_X86_EMU_HPET: u32 = 1 << 1;
export const XEN_X86_EMU_PM: u32 = 1 << 2;
export const XEN_X86_EMU_RTC: u32 = 1 << 3;
export const XEN_X86_EMU_IOAPIC: u32 = 1 << 4;
export const XEN_X86_EMU_PIC: u32 = 1 << 5;
export const XEN_X86_EMU_VGA: u32 = 1 << 6;
export const XEN_X86_EMU_IOMMU: u32 = 1 << 7;
export const XEN_X86_EMU_PIT: u32 = 1 << 8;
export const XEN_X86_EMU_USE_PIRQ: u32 = 1 << 9;

// xen_domctl_getdomaininfo.flags
export const XEN_DOMINF_dying: u32 = 1 << 0;
export const XEN_DOMINF_hvm_guest: u32 = 1 << 1;
export const XEN_DOMINF_shutdown: u32 = 1 << 2;
export const XEN_DOMINF_paused: u32 = 1 << 3;
export const XEN_DOMINF_blocked: u32 = 1 << 4;
export const XEN_DOMINF_running: u32 = 1 << 5;
export const XEN_DOMINF_shutdownmask: u32 = 255;
export const XEN_DOMINF_shutdownshift: u32 = 16;

/** The head of every call; the operation's own structure follows at `u`. */
@unmanaged export class xen_domctl {
  cmd: u32;
  interface_version: u32;
  domain: u16;
  _pad0: u16;
  _pad1: u32;
}

/** Its first fields, which are at the same offsets since 4.14. */
@unmanaged
export class xen_domctl_getdomaininfo {
  domain: u16;
  pad1: u16;
  flags: u32;
  tot_pages: u64;
  max_pages: u64;
  outstanding_pages: u64;
  shr_pages: u64;
  paged_pages: u64;
  shared_info_frame: u64;
  cpu_time: u64;
  nr_online_vcpus: u32;
  max_vcpu_id: u32;
}

/** Its first fields, which are at the same offsets since 4.14. */
@unmanaged
export class xen_domctl_createdomain {
  ssidref: u32;
  _handle0: u32;
  _handle1: u32;
  _handle2: u32;
  _handle3: u32;
  flags: u32;
  iommu_opts: u32;
  max_vcpus: u32;
  max_evtchn_port: u32;
  max_grant_frames: u32;
  max_maptrack_frames: u32;
}

@unmanaged
export class xen_domctl_max_vcpus {
  max: u32;
}

@unmanaged
export class xen_domctl_max_mem {
  max_memkb: u64;
}

@unmanaged
export class xen_domctl_paging_mempool {
  size: u64;
}

@unmanaged
export class xen_domctl_shadow_op {
  op: u32;
  mode: u32;
  mb: u32;
}

@unmanaged
export class xen_domctl_hvmcontext {
  size: u32;
  _pad: u32;
  buffer: u64;
}

@unmanaged
export class xen_domctl_memory_mapping {
  first_gfn: u64;
  first_mfn: u64;
  nr_mfns: u64;
  add_mapping: u32;
  padding: u32;
}
