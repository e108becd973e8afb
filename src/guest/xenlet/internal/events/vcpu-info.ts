// VCPUOP_register_vcpu_info: vCPU 0's struct vcpu_info in a page of our own. xen/common/domain.c, map_vcpu_info.

import { vcpu_op } from "../../raw/hypercall";
import { frame_of, interrupts_off, interrupts_on, shared_alloc } from "../intrinsics";
import { VCPUOP_register_vcpu_info, vcpu_register_vcpu_info } from "../../raw/abi/vcpu";
import { ENOMEM } from "../../raw/errno";
import { needSharedInfo, useVcpuInfo } from "./shared-info";

@lazy const argument = changetype<vcpu_register_vcpu_info>(
  memory.data(offsetof<vcpu_register_vcpu_info>(), 8),
);

/** Taken once: after a soft reset it is registered again. */
let page: usize = 0;

/**
 * Moves vCPU 0's struct vcpu_info out of shared_info. Once in a domain's life: a second time is -EINVAL (-EBUSY from
 * Xen 4.18 on), until a soft reset. Only a vCPU above 31 needs it. Returns 0, or Xen's negative errno.
 *
 * Xen marks everything as pending when it moves, so that nothing is lost; expect scan() to find nothing once.
 */
export function registerVcpuInfo(): i64 {
  needSharedInfo();
  if (page == 0) page = shared_alloc(1);
  if (page == 0) return -ENOMEM;
  argument.mfn = frame_of(page);
  argument.offset = 0;
  argument.rsvd = 0;
  /* Between the move and our knowing of it, an upcall would clear its flag in the old place, and be raised forever. */
  interrupts_off();
  const result = vcpu_op(VCPUOP_register_vcpu_info, 0, changetype<usize>(argument));
  if (result == 0) useVcpuInfo(page);
  interrupts_on();
  return result;
}
