// Xen's clocks: system time from struct vcpu_time_info (xen.h) and the CPU's time stamp counter, and wall
// clock time on top of it.

import { barrier, load32, load64, load8, rdtsc } from "../intrinsics";
import {
  SHARED_INFO_WC_NSEC,
  SHARED_INFO_WC_SEC,
  SHARED_INFO_WC_SEC_HI,
  SHARED_INFO_WC_VERSION,
  TIME_SYSTEM_TIME,
  TIME_TSC_SHIFT,
  TIME_TSC_TIMESTAMP,
  TIME_TSC_TO_SYSTEM_MUL,
  TIME_VERSION,
  VCPU_INFO_TIME,
} from "../../raw/abi/xen";
import { mappedVcpuInfo, needSharedInfo, sharedInfo } from "../events/shared-info";

/** (a * b) >> 32 without losing the high bits of the 96-bit product. */
@inline export function scale(a: u64, b: u32): u64 {
  return (a >> 32) * b + (((a & 0xffffffff) * b) >> 32);
}

/**
 * Xen system time in ns: what deadlines of sched.poll() and of timers are in. 0 from a soft reset to xen.attach().
 *
 * The structure is a sequence lock: Xen makes `version` odd while it writes, so a read counts only if
 * version was even and the same before and after it.
 */
export function systemTime(): u64 {
  if (mappedVcpuInfo() == 0 && !needSharedInfo()) return 0;
  const time = mappedVcpuInfo() + VCPU_INFO_TIME;
  while (true) {
    const version = load32(time + TIME_VERSION);
    barrier();
    const stamp = load64(time + TIME_TSC_TIMESTAMP);
    const base = load64(time + TIME_SYSTEM_TIME);
    const multiplier = load32(time + TIME_TSC_TO_SYSTEM_MUL);
    const shift = <i8>load8(time + TIME_TSC_SHIFT);
    barrier();
    const now = rdtsc();
    if ((version & 1) != 0 || load32(time + TIME_VERSION) != version) continue;
    /* Modulo 2^64: the stamp of a young domain may lie before its TSC's zero. A read just before Xen moved
     * the stamp may be a few ticks behind it: time must not go backwards for that. */
    const elapsed = <i64>(now - stamp);
    const delta = elapsed > 0 ? <u64>elapsed : 0;
    return base + scale(shift >= 0 ? delta << shift : delta >> -shift, multiplier);
  }
}

/** Wall clock time in ns since 1970-01-01 UTC, as the hypervisor knows it. 0 from a soft reset to xen.attach(). */
export function wallClock(): u64 {
  const page = sharedInfo();
  if (page == 0) return 0;
  while (true) {
    const version = load32(page + SHARED_INFO_WC_VERSION);
    barrier();
    const seconds = load32(page + SHARED_INFO_WC_SEC) | ((<u64>load32(page + SHARED_INFO_WC_SEC_HI)) << 32);
    const nanoseconds = load32(page + SHARED_INFO_WC_NSEC);
    barrier();
    if ((version & 1) == 0 && load32(page + SHARED_INFO_WC_VERSION) == version) {
      return seconds * 1000000000 + nanoseconds + systemTime();
    }
  }
}
