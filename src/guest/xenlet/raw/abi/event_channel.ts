// xen/include/public/event_channel.h, Xen 4.17.

export const EVTCHNOP_bind_interdomain: u32 = 0;
export const EVTCHNOP_bind_virq: u32 = 1;
export const EVTCHNOP_bind_pirq: u32 = 2;
export const EVTCHNOP_close: u32 = 3;
export const EVTCHNOP_send: u32 = 4;
export const EVTCHNOP_status: u32 = 5;
export const EVTCHNOP_alloc_unbound: u32 = 6;
export const EVTCHNOP_bind_ipi: u32 = 7;
export const EVTCHNOP_bind_vcpu: u32 = 8;
export const EVTCHNOP_unmask: u32 = 9;
export const EVTCHNOP_reset: u32 = 10;
export const EVTCHNOP_init_control: u32 = 11;
export const EVTCHNOP_expand_array: u32 = 12;
export const EVTCHNOP_set_priority: u32 = 13;

export const EVTCHNSTAT_closed: u32 = 0;
export const EVTCHNSTAT_unbound: u32 = 1;
export const EVTCHNSTAT_interdomain: u32 = 2;
export const EVTCHNSTAT_pirq: u32 = 3;
export const EVTCHNSTAT_virq: u32 = 4;
export const EVTCHNSTAT_ipi: u32 = 5;

/** Ports of the 2-level ABI, port 0 among them. */
export const EVTCHN_2L_NR_CHANNELS: u32 = 4096;

// The FIFO ABI: bits of an event word.
export const EVTCHN_FIFO_PENDING: u32 = 31;
export const EVTCHN_FIFO_MASKED: u32 = 30;
export const EVTCHN_FIFO_LINKED: u32 = 29;
export const EVTCHN_FIFO_BUSY: u32 = 28;
export const EVTCHN_FIFO_LINK_MASK: u32 = 0x1ffff;
/** Ports of the FIFO ABI, port 0 among them. */
export const EVTCHN_FIFO_NR_CHANNELS: u32 = 131072;

// struct evtchn_fifo_control_block: offsets in bytes. The head is the first of sixteen, one for each priority.
export const CONTROL_BLOCK_READY: usize = 0;
export const CONTROL_BLOCK_HEAD: usize = 8;

/** The highest priority. */
export const EVTCHN_FIFO_PRIORITY_MAX: u32 = 0;
export const EVTCHN_FIFO_PRIORITY_DEFAULT: u32 = 7;
/** The lowest priority. */
export const EVTCHN_FIFO_PRIORITY_MIN: u32 = 15;

/** EVTCHNOP_bind_interdomain: `remote_*` in, `local_port` out. */
@unmanaged
export class evtchn_bind_interdomain {
  remote_dom: u16;
  _pad: u16;
  remote_port: u32;
  local_port: u32;
}

/** EVTCHNOP_bind_virq: `virq` and `vcpu` in, `port` out. */
@unmanaged
export class evtchn_bind_virq {
  virq: u32;
  vcpu: u32;
  port: u32;
}

/** EVTCHNOP_bind_pirq: `pirq` and `flags` in, `port` out. */
@unmanaged
export class evtchn_bind_pirq {
  pirq: u32;
  flags: u32;
  port: u32;
}

/** EVTCHNOP_bind_ipi: `vcpu` in, `port` out. */
@unmanaged
export class evtchn_bind_ipi {
  vcpu: u32;
  port: u32;
}

/** EVTCHNOP_bind_vcpu. */
@unmanaged
export class evtchn_bind_vcpu {
  port: u32;
  vcpu: u32;
}

/** EVTCHNOP_alloc_unbound: `dom` and `remote_dom` in, `port` out. */
@unmanaged
export class evtchn_alloc_unbound {
  dom: u16;
  remote_dom: u16;
  port: u32;
}

/** EVTCHNOP_close, _send and _unmask each take a structure of this one field. */
@unmanaged
export class evtchn_port {
  port: u32;
}

/**
 * EVTCHNOP_status: `dom` and `port` in, the rest out. `u` is a union: interdomain has the domain in bits 15..0
 * and its port in bits 63..32, unbound the domain, virq and pirq their number in bits 31..0.
 */
@unmanaged
export class evtchn_status {
  dom: u16;
  _pad: u16;
  port: u32;
  status: u32;
  vcpu: u32;
  u: u64;
}

/** EVTCHNOP_reset. */
@unmanaged
export class evtchn_reset {
  dom: u16;
}

/** EVTCHNOP_init_control: `link_bits` out. */
@unmanaged
export class evtchn_init_control {
  control_gfn: u64;
  offset: u32;
  vcpu: u32;
  link_bits: u8;
  _pad0: u8;
  _pad1: u8;
  _pad2: u8;
  _pad3: u32;
}

/** EVTCHNOP_expand_array. */
@unmanaged
export class evtchn_expand_array {
  array_gfn: u64;
}

/** EVTCHNOP_set_priority. */
@unmanaged
export class evtchn_set_priority {
  port: u32;
  priority: u32;
}
