// xen/include/public/vcpu.h, Xen 4.17.

export const VCPUOP_initialise: u32 = 0;
export const VCPUOP_up: u32 = 1;
export const VCPUOP_down: u32 = 2;
export const VCPUOP_is_up: u32 = 3;
export const VCPUOP_get_runstate_info: u32 = 4;
export const VCPUOP_register_runstate_memory_area: u32 = 5;
export const VCPUOP_set_periodic_timer: u32 = 6;
export const VCPUOP_stop_periodic_timer: u32 = 7;
export const VCPUOP_set_singleshot_timer: u32 = 8;
export const VCPUOP_stop_singleshot_timer: u32 = 9;
export const VCPUOP_register_vcpu_info: u32 = 10;
export const VCPUOP_register_vcpu_time_memory_area: u32 = 13;

// What a vCPU is doing: the `state` of struct vcpu_runstate_info, and the index into its `time`.
export const RUNSTATE_running: u32 = 0;
export const RUNSTATE_runnable: u32 = 1;
export const RUNSTATE_blocked: u32 = 2;
export const RUNSTATE_offline: u32 = 3;

// struct vcpu_runstate_info: offsets in bytes.
export const RUNSTATE_INFO_STATE: usize = 0;
export const RUNSTATE_INFO_STATE_ENTRY_TIME: usize = 8;
export const RUNSTATE_INFO_TIME: usize = 16;
export const RUNSTATE_INFO_SIZE: usize = 48;

/** VCPUOP_set_singleshot_timer fails with -ETIME if the time has passed already. */
export const VCPU_SSHOTTMR_future: u32 = 1;

/** `timeout_abs_ns` is Xen system time in ns. */
@unmanaged export class vcpu_set_singleshot_timer {
  timeout_abs_ns: u64;
  flags: u32;
  _pad: u32;
}

/** VCPUOP_set_periodic_timer: at least 1,000,000. */
@unmanaged
export class vcpu_set_periodic_timer {
  period_ns: u64;
}

/** VCPUOP_register_vcpu_info: the frame's number and where in it; not across its end. */
@unmanaged
export class vcpu_register_vcpu_info {
  mfn: u64;
  offset: u32;
  rsvd: u32;
}

/** VCPUOP_register_runstate_memory_area: a virtual address, 0 to end it. */
@unmanaged
export class vcpu_register_runstate_memory_area {
  addr: u64;
}
