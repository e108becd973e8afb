// HVM parameters of this domain: HVMOP_get_param, xen/include/public/hvm/params.h.

import { hvm_op } from "./hypercall";
import { HVMOP_get_param, xen_hvm_param } from "./abi/hvm";
import { DOMID_SELF } from "./abi/xen";

@lazy const argument = changetype<xen_hvm_param>(memory.data(offsetof<xen_hvm_param>(), 8));

/** HVM_PARAM_* `index`; 0 where the domain has none, or may not know. */
export function hvmParam(index: u32): u64 {
  argument.domid = DOMID_SELF;
  argument.index = index;
  return hvm_op(HVMOP_get_param, changetype<usize>(argument)) < 0 ? 0 : argument.value;
}
