// The singleshot and the periodic timer, one of each for each vCPU: they raise VIRQ_TIMER. These are vCPU 0's.
// xen/include/public/vcpu.h.

import { checked, vcpu_op } from "../../raw/hypercall";
import {
  VCPUOP_set_periodic_timer,
  VCPUOP_set_singleshot_timer,
  VCPUOP_stop_periodic_timer,
  VCPUOP_stop_singleshot_timer,
  vcpu_set_periodic_timer,
  vcpu_set_singleshot_timer,
} from "../../raw/abi/vcpu";
import { Part, PartOrder, addPart } from "../reset/part";
import { systemTime } from "./time";

const argument = changetype<vcpu_set_singleshot_timer>(memory.data(offsetof<vcpu_set_singleshot_timer>(), 8));

@lazy const periodArgument = changetype<vcpu_set_periodic_timer>(
  memory.data(offsetof<vcpu_set_periodic_timer>(), 8),
);

/** What is set; 0: nothing, or for the singleshot timer perhaps a deadline that has passed. */
let deadlineSet: u64 = 0;
let periodSet: u64 = 0;

function setDeadline(deadline: u64): i64 {
  argument.timeout_abs_ns = deadline;
  argument.flags = 0;
  return vcpu_op(VCPUOP_set_singleshot_timer, 0, changetype<usize>(argument));
}

function setPeriod(period: u64): i64 {
  if (period == 0) return vcpu_op(VCPUOP_stop_periodic_timer, 0, 0);
  periodArgument.period_ns = period;
  return vcpu_op(VCPUOP_set_periodic_timer, 0, changetype<usize>(periodArgument));
}

/** Both timers before a soft reset, which leaves them armed. */
class Timers extends Part {
  /** Whether run() has stopped them. */
  private stopped: bool = false;

  constructor() {
    super("timers", PartOrder.TIMERS);
  }

  run(): i64 {
    /* One that has gone off by now must not go off again if this is undone. */
    if (deadlineSet <= systemTime()) deadlineSet = 0;
    const result = vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0);
    if (result != 0) return result;
    const second = periodSet == 0 ? 0 : setPeriod(0);
    if (second != 0) this.restart();
    else this.stopped = true;
    return second;
  }

  undo(): void {
    this.stopped = false;
    this.restart();
    if (periodSet != 0) checked("VCPUOP_set_periodic_timer", setPeriod(periodSet));
  }

  private restart(): void {
    if (deadlineSet != 0) checked("VCPUOP_set_singleshot_timer", setDeadline(deadlineSet));
  }

  attached(): void {
    if (this.stopped) deadlineSet = periodSet = 0;
    this.stopped = false;
  }
}

let known = false;

function knowPart(): void {
  if (known) return;
  known = true;
  addPart(new Timers());
}

export namespace timer {
  /** Raises VIRQ_TIMER when Xen system time reaches `deadline` (ns); at once if it has passed. Replaces an earlier deadline. */
  export function set(deadline: u64): i64 {
    knowPart();
    const result = setDeadline(deadline);
    if (result == 0) deadlineSet = deadline;
    return result;
  }

  /** Takes the deadline back. Returns 0, whether or not one was set. */
  export function stop(): i64 {
    deadlineSet = 0;
    return vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0);
  }

  /** Raises VIRQ_TIMER every `period` ns, 1 ms at least: less is -EINVAL. 0 stops it. */
  export function every(period: u64): i64 {
    knowPart();
    const result = setPeriod(period);
    if (result == 0) periodSet = period;
    return result;
  }
}
