// xen/include/public/vcpu.h, Xen 4.17.

export const VCPUOP_up: u32 = 1;
export const VCPUOP_is_up: u32 = 3;
export const VCPUOP_set_singleshot_timer: u32 = 8;
export const VCPUOP_stop_singleshot_timer: u32 = 9;

/** VCPUOP_set_singleshot_timer fails with -ETIME if the time has passed already. */
export const VCPU_SSHOTTMR_future: u32 = 1;

/** `timeout_abs_ns` is Xen system time in ns. */
@unmanaged export class vcpu_set_singleshot_timer {
  timeout_abs_ns: u64;
  flags: u32;
  _pad: u32;
}
