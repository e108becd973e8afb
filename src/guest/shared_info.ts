// The shared_info page: where it is mapped, and taking it over from whoever used it before.

import { hvm_op, checked } from "./hypercall";
import { interrupts_on, set_shared_info, set_vcpu_info, upcall_vector } from "./intrinsics";
import {
  HVMOP_set_param,
  HVM_PARAM_CALLBACK_IRQ,
  HVM_PARAM_CALLBACK_TYPE_VECTOR,
  xen_hvm_param,
} from "./abi/hvm";
import { XENMAPSPACE_shared_info } from "./abi/memory";
import { DOMID_SELF, SHARED_INFO_VCPU_INFO } from "./abi/xen";
import { mapXenFrame } from "./frames";
import { maskAll } from "./evtchn-2l";

/** Where the page is, or was until detachSharedInfo(). */
let place: usize = 0;
let page: usize = 0;

/** The page's address; 0 while it is not mapped. Touched through the intrinsics only: Xen writes it as well. */
@inline export function sharedInfo(): usize {
  return page;
}

let vcpu: usize = 0;

/** vCPU 0's struct vcpu_info: in shared_info, until it is registered elsewhere (vcpu_info.ts). */
@inline export function vcpuInfo(): usize {
  return vcpu;
}

/** From now on vCPU 0's struct vcpu_info is at `address`, for the upcall handler too. */
export function useVcpuInfo(address: usize): void {
  vcpu = address;
  set_vcpu_info(address);
}

/** A soft reset took the page away: what is there now is ordinary RAM, with no event in it and no clock. */
export function detachSharedInfo(): void {
  page = 0;
  set_shared_info(0);
  useVcpuInfo(0);
}

const paramArgument = changetype<xen_hvm_param>(memory.data(offsetof<xen_hvm_param>(), 8));

/**
 * Maps shared_info, always at the same address, clears what an earlier kernel may have left in it, and turns on the
 * event upcall.
 *
 * The upcall comes by vector, HVM_PARAM_CALLBACK_IRQ type 2: it needs neither local APIC nor end of interrupt, and
 * the next kernel can set it anew.
 */
export function attachSharedInfo(): void {
  place = page = mapXenFrame(XENMAPSPACE_shared_info, "XENMAPSPACE_shared_info", place);
  set_shared_info(page);
  useVcpuInfo(page + SHARED_INFO_VCPU_INFO);
  maskAll();
  paramArgument.domid = DOMID_SELF;
  paramArgument.index = HVM_PARAM_CALLBACK_IRQ;
  paramArgument.value = (HVM_PARAM_CALLBACK_TYPE_VECTOR << 56) | upcall_vector();
  checked(
    "HVMOP_set_param(HVM_PARAM_CALLBACK_IRQ)",
    hvm_op(HVMOP_set_param, changetype<usize>(paramArgument)),
  );
  interrupts_on();
}
