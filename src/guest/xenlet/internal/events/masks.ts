// What a program finds in a shared_info page that another kernel may have used, and masks before it uses it itself.

import { store64, store8 } from "../intrinsics";
import {
  SHARED_INFO_EVTCHN_MASK,
  SHARED_INFO_EVTCHN_PENDING,
  VCPU_INFO_EVTCHN_PENDING_SEL,
  VCPU_INFO_EVTCHN_UPCALL_PENDING,
  VCPU_INFO_SIZE,
  XEN_LEGACY_MAX_VCPUS,
} from "../../raw/abi/xen";

/**
 * Masks every port of the shared_info page and clears what is pending, the upcalls themselves included; vCPU 0's struct
 * vcpu_info may be elsewhere.
 */
export function maskAll(sharedInfo: usize, vcpuInfo: usize): void {
  for (let word: usize = 0; word < 64; word++) {
    store64(sharedInfo + SHARED_INFO_EVTCHN_MASK + word * 8, ~(<u64>0));
    store64(sharedInfo + SHARED_INFO_EVTCHN_PENDING + word * 8, 0);
  }
  clearUpcall(vcpuInfo);
  for (let vcpu: usize = 1; vcpu < XEN_LEGACY_MAX_VCPUS; vcpu++)
    clearUpcall(sharedInfo + vcpu * VCPU_INFO_SIZE);
}

/** A stale 1 in the flag keeps Xen from raising any upcall: vcpu_mark_events_pending, xen/arch/x86/domain.c. */
export function clearUpcall(vcpuInfo: usize): void {
  store8(vcpuInfo + VCPU_INFO_EVTCHN_UPCALL_PENDING, 0);
  store64(vcpuInfo + VCPU_INFO_EVTCHN_PENDING_SEL, 0);
}
