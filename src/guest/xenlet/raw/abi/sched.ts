// xen/include/public/sched.h, Xen 4.17.

export const SCHEDOP_yield: u32 = 0;
export const SCHEDOP_block: u32 = 1;
export const SCHEDOP_shutdown: u32 = 2;
export const SCHEDOP_poll: u32 = 3;
export const SCHEDOP_remote_shutdown: u32 = 4;
export const SCHEDOP_shutdown_code: u32 = 5;
export const SCHEDOP_watchdog: u32 = 6;
export const SCHEDOP_pin_override: u32 = 7;

export const SHUTDOWN_poweroff: u32 = 0;
export const SHUTDOWN_reboot: u32 = 1;
export const SHUTDOWN_suspend: u32 = 2;
export const SHUTDOWN_crash: u32 = 3;
export const SHUTDOWN_watchdog: u32 = 4;
export const SHUTDOWN_soft_reset: u32 = 5;

/** SCHEDOP_shutdown and SCHEDOP_shutdown_code. */
@unmanaged export class sched_shutdown {
  reason: u32;
}

/** SCHEDOP_poll. `timeout` is Xen system time in ns, 0 for none. */
@unmanaged export class sched_poll {
  /** Guest handle of an array of evtchn_port_t: its virtual address. */
  ports: u64;
  nr_ports: u32;
  _pad: u32;
  timeout: u64;
}

/** SCHEDOP_remote_shutdown. */
@unmanaged
export class sched_remote_shutdown {
  domain_id: u16;
  _pad: u16;
  reason: u32;
}

/** SCHEDOP_watchdog. `timeout` is in seconds from now. */
@unmanaged
export class sched_watchdog {
  id: u32;
  timeout: u32;
}

/** SCHEDOP_pin_override. A negative `pcpu` takes the pin back. */
@unmanaged
export class sched_pin_override {
  pcpu: i32;
}
