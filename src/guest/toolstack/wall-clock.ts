// Setting the machine's wall clock, and so every domain's: XENPF_settime64 (do_settime, xen/arch/x86/time.c).

import { checked } from "xenlet/raw/hypercall";
import { systemTime } from "xenlet/internal/time/time";
import { XENPF_settime64, xenpf_settime64 } from "xenlet/raw/abi/platform";
import { platformArgument, platformOp } from "./platform-op";

/** `now`: ns since 1970-01-01 UTC. */
export function setWallClock(now: u64): void {
  const u = changetype<xenpf_settime64>(platformArgument());
  u.secs = now / 1_000_000_000;
  u.nsecs = <u32>(now % 1_000_000_000);
  u.mbz = 0;
  u.system_time = systemTime();
  checked("XENPF_settime64", platformOp(XENPF_settime64));
}
