// Setting the machine's wall clock, and so every domain's: XENPF_settime64 (do_settime, xen/arch/x86/time.c).

import { hypercall1 } from "xenlet/internal/intrinsics";
import { checked } from "xenlet/raw/hypercall";
import { systemTime } from "xenlet/internal/time/time";
import {
  XENPF_INTERFACE_VERSION,
  XENPF_settime64,
  __HYPERVISOR_platform_op,
  xen_platform_op,
  xenpf_settime64,
} from "xenlet/raw/abi/platform";

/** struct xen_platform_op holds 128 bytes behind its head. */
const argument: usize = memory.data(offsetof<xen_platform_op>() + 128, 8);

/** `now`: ns since 1970-01-01 UTC. */
export function setWallClock(now: u64): void {
  const op = changetype<xen_platform_op>(argument);
  op.cmd = XENPF_settime64;
  op.interface_version = XENPF_INTERFACE_VERSION;
  const u = changetype<xenpf_settime64>(argument + offsetof<xen_platform_op>());
  u.secs = now / 1_000_000_000;
  u.nsecs = <u32>(now % 1_000_000_000);
  u.mbz = 0;
  u.system_time = systemTime();
  checked("XENPF_settime64", hypercall1(__HYPERVISOR_platform_op, argument));
}
