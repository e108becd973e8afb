// The shared_info page: where it is mapped, and how it is taken over from its previous user.
//
// It is mapped, and the event upcall turned on, when the program first needs either: an event channel, a clock, a sleep,
// the way to a soft reset. A program that needs none pays for none, and stays with interrupts off.

import { hvm_op, checked } from "../../raw/hypercall";
import {
  interrupts_on,
  set_shared_info,
  set_vcpu_info,
  shared_info_place,
  upcall_vector,
} from "../intrinsics";
import {
  HVMOP_set_param,
  HVM_PARAM_CALLBACK_IRQ,
  HVM_PARAM_CALLBACK_TYPE_VECTOR,
  xen_hvm_param,
} from "../../raw/abi/hvm";
import { XENMAPSPACE_shared_info } from "../../raw/abi/memory";
import { DOMID_SELF, SHARED_INFO_VCPU_INFO } from "../../raw/abi/xen";
import { mapXenFrame } from "../memory/frames";
import { maskAll } from "./masks";

let page: usize = 0;
let vcpu: usize = 0;
/** Whether this program has needed it. */
let used = false;
/** From a soft reset to xen.attach(). */
let lost = false;

/**
 * Maps shared_info and turns on the event upcall, unless that is done. To be called before Xen is asked for anything that
 * ends in either: what is pending is cleared here. False from a soft reset to xen.attach(): there is none.
 */
@inline export function needSharedInfo(): bool {
  return page != 0 || establish();
}

/** The page's address, mapped if it was not; 0 from a soft reset to xen.attach(). Touched through the intrinsics only: Xen writes it as well. */
export function sharedInfo(): usize {
  needSharedInfo();
  return page;
}

/** vCPU 0's struct vcpu_info, the same way: in shared_info, until it is registered elsewhere (vcpu_info.ts). */
export function vcpuInfo(): usize {
  needSharedInfo();
  return vcpu;
}

/** The page's address; 0 while it is not mapped. For paths that come behind needSharedInfo(), and are hot. */
@inline export function mappedSharedInfo(): usize {
  return page;
}

@inline export function mappedVcpuInfo(): usize {
  return vcpu;
}

/** From now on vCPU 0's struct vcpu_info is at `address`, for the upcall handler too. */
export function useVcpuInfo(address: usize): void {
  vcpu = address;
  set_vcpu_info(address);
}

/**
 * vCPU 0's struct vcpu_info of a program that has needed none so far, for once: nothing is turned on. What Xen marks there
 * is marked whether or not it is wanted.
 */
export function unusedVcpuInfo(): usize {
  return mapPage() + SHARED_INFO_VCPU_INFO;
}

/** A soft reset took the page away: what is there now is ordinary RAM, with no event in it and no clock. */
export function detachSharedInfo(): void {
  lost = true;
  page = 0;
  set_shared_info(0);
  useVcpuInfo(0);
}

/** After a soft reset, whichever call requested it: what was in use is in use again. */
export function attachSharedInfo(): void {
  lost = false;
  if (used) establish();
}

function mapPage(): usize {
  return mapXenFrame(XENMAPSPACE_shared_info, "XENMAPSPACE_shared_info", shared_info_place());
}

const paramArgument = changetype<xen_hvm_param>(memory.data(offsetof<xen_hvm_param>(), 8));

/**
 * Always at the same address. Clears what an earlier kernel may have left in the page, and what came before anybody here
 * wanted to know.
 *
 * The upcall comes by vector, HVM_PARAM_CALLBACK_IRQ type 2: it needs neither local APIC nor end of interrupt, and
 * the next kernel can set it again.
 */
function establish(): bool {
  if (lost) return false;
  used = true;
  page = mapPage();
  set_shared_info(page);
  useVcpuInfo(page + SHARED_INFO_VCPU_INFO);
  maskAll(page, vcpu);
  paramArgument.domid = DOMID_SELF;
  paramArgument.index = HVM_PARAM_CALLBACK_IRQ;
  paramArgument.value = (HVM_PARAM_CALLBACK_TYPE_VECTOR << 56) | upcall_vector();
  checked(
    "HVMOP_set_param(HVM_PARAM_CALLBACK_IRQ)",
    hvm_op(HVMOP_set_param, changetype<usize>(paramArgument)),
  );
  interrupts_on();
  return true;
}
