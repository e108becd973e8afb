// The singleshot timer, one for each vCPU: it raises VIRQ_TIMER. xen/include/public/vcpu.h.

import { vcpu_op } from "./hypercall";
import {
  VCPUOP_set_singleshot_timer,
  VCPUOP_stop_singleshot_timer,
  vcpu_set_singleshot_timer,
} from "./abi/vcpu";

const argument = changetype<vcpu_set_singleshot_timer>(memory.data(offsetof<vcpu_set_singleshot_timer>(), 8));

export namespace timer {
  /** Raises VIRQ_TIMER when Xen system time reaches `deadline` (ns); at once if it has passed. Replaces an earlier deadline. */
  export function set(deadline: u64): i64 {
    argument.timeout_abs_ns = deadline;
    argument.flags = 0;
    return vcpu_op(VCPUOP_set_singleshot_timer, 0, changetype<usize>(argument));
  }

  /** Takes the deadline back. Returns 0, whether or not one was set. */
  export function stop(): i64 {
    return vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0);
  }
}
