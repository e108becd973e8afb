// xen/include/public/event_channel.h, Xen 4.17.

export const EVTCHNOP_bind_interdomain: u32 = 0;
export const EVTCHNOP_bind_virq: u32 = 1;
export const EVTCHNOP_close: u32 = 3;
export const EVTCHNOP_send: u32 = 4;
export const EVTCHNOP_status: u32 = 5;
export const EVTCHNOP_alloc_unbound: u32 = 6;
export const EVTCHNOP_bind_ipi: u32 = 7;
export const EVTCHNOP_unmask: u32 = 9;

/** EVTCHNOP_bind_interdomain: `remote_*` in, `local_port` out. */
@unmanaged export class evtchn_bind_interdomain {
  remote_dom: u16;
  _pad: u16;
  remote_port: u32;
  local_port: u32;
}

/** EVTCHNOP_bind_virq: `virq` and `vcpu` in, `port` out. */
@unmanaged export class evtchn_bind_virq {
  virq: u32;
  vcpu: u32;
  port: u32;
}

/** EVTCHNOP_bind_ipi: `vcpu` in, `port` out. */
@unmanaged export class evtchn_bind_ipi {
  vcpu: u32;
  port: u32;
}

/** EVTCHNOP_alloc_unbound: `dom` and `remote_dom` in, `port` out. */
@unmanaged export class evtchn_alloc_unbound {
  dom: u16;
  remote_dom: u16;
  port: u32;
}

/** EVTCHNOP_close, _send and _unmask each take a structure of this one field. */
@unmanaged export class evtchn_port {
  port: u32;
}
