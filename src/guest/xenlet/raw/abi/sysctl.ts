// xen/include/public/sysctl.h, Xen 4.17.

export const __HYPERVISOR_sysctl: u32 = 35;

export const XEN_SYSCTL_readconsole: u32 = 1;
export const XEN_SYSCTL_physinfo: u32 = 3;
export const XEN_SYSCTL_debug_keys: u32 = 7;

@unmanaged export class xen_sysctl {
  cmd: u32;
  interface_version: u32;
}

@unmanaged
export class xen_sysctl_debug_keys {
  keys: u64;
  nr_keys: u32;
  _pad: u32;
}

/** The same in 4.14 to 4.22. `index` and `count` in and out; `incremental`: from `index` on. */
@unmanaged
export class xen_sysctl_readconsole {
  clear: u8;
  incremental: u8;
  pad: u16;
  index: u32;
  buffer: u64;
  count: u32;
  _pad: u32;
}
