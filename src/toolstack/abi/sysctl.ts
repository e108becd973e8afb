// xen/include/public/sysctl.h, Xen 4.17.

export const __HYPERVISOR_sysctl: u32 = 35;

export const XEN_SYSCTL_physinfo: u32 = 3;

@unmanaged export class xen_sysctl {
  cmd: u32;
  interface_version: u32;
}
