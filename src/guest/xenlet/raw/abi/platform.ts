// xen/include/public/platform.h, Xen 4.17; what is here is the same in 4.14 to 4.22.

export const __HYPERVISOR_platform_op: u32 = 7;

export const XENPF_INTERFACE_VERSION: u32 = 0x03000001;
export const XENPF_settime64: u32 = 62;
export const XENPF_get_symbol: u32 = 63;

/** The head of every call; the operation's own structure follows at `u`, in a union of 128 bytes. */
@unmanaged export class xen_platform_op {
  cmd: u32;
  interface_version: u32;
}

/** The wall clock is `secs` and `nsecs` since 1970-01-01 UTC when Xen's system time is `system_time`. */
@unmanaged
export class xenpf_settime64 {
  secs: u64;
  nsecs: u32;
  mbz: u32;
  system_time: u64;
}

/** One symbol of Xen's own table: number `symnum` goes in, that of the next one comes out. */
@unmanaged
export class xenpf_symdata {
  namelen: u32;
  symnum: u32;
  name: u64;
  address: u64;
  type: u8;
  _pad: u8;
  _pad16: u16;
  _pad32: u32;
}
