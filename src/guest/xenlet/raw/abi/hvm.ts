// xen/include/public/hvm/hvm_op.h and hvm/params.h, Xen 4.17.

export const HVMOP_set_param: u32 = 0;
export const HVMOP_get_param: u32 = 1;
export const HVMOP_set_evtchn_upcall_vector: u32 = 23;

export const HVM_PARAM_CALLBACK_IRQ: u32 = 0;
/** HVM_PARAM_CALLBACK_IRQ: the type in bits 63..56, and for this type the vector in bits 7..0. */
export const HVM_PARAM_CALLBACK_TYPE_VECTOR: u64 = 2;

// The rings to the store and the console daemon: a page's frame, and the event channel to the daemon.
export const HVM_PARAM_STORE_PFN: u32 = 1;
export const HVM_PARAM_STORE_EVTCHN: u32 = 2;
export const HVM_PARAM_CONSOLE_PFN: u32 = 17;
export const HVM_PARAM_CONSOLE_EVTCHN: u32 = 18;

/** A page of page-table entries that Intel's VMX needs while paging is off. */
export const HVM_PARAM_IDENT_PT: u32 = 12;

@unmanaged export class xen_hvm_param {
  domid: u16;
  _pad: u16;
  index: u32;
  value: u64;
}

/** HVMOP_set_evtchn_upcall_vector: `vector` is at least 0x10. */
@unmanaged
export class xen_hvm_evtchn_upcall_vector {
  vcpu: u32;
  vector: u8;
  _pad0: u8;
  _pad1: u16;
}
