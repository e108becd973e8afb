// SCHEDOP_pin_override, which the hardware domain alone may make (vcpu_temporary_affinity(), xen/common/sched/core.c): a vCPU has one
// such pin. Linux's dom0 makes firmware calls under it; one that Xen lost count of would leave dom0 on one CPU permanently.
//
// All of it happens in dom0. In the control each question is asked where the answer is another one.

import { SCHEDOP_pin_override, SCHEDOP_yield, sched } from "xenlet";
import { EBUSY, EFAULT, EINVAL } from "xenlet/raw/errno";
import { sched_op } from "xenlet/raw/hypercall";
import { DONE_BY_DOM0, SCHED, scenario } from "../declare";
import { NOWHERE } from "../sched-calls";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const PIN = scenario({ name: "sched-pin", area: "Scheduler", suite: SCHED });
const PINS = PIN.check({
  name: "sched/pin-override",
  title: "dom0 pins its vCPU with SCHEDOP_pin_override and unpins it with any negative number",
  notUnderXl: DONE_BY_DOM0,
});
const BUSY = PIN.check({
  name: "sched/pin-override-busy",
  title: "SCHEDOP_pin_override of a vCPU that is already pinned is refused with -EBUSY",
  notUnderXl: DONE_BY_DOM0,
});
const NOTHING = PIN.check({
  name: "sched/pin-override-nothing",
  title: "Unpinning a vCPU that is not pinned is refused with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const NO_CPU = PIN.check({
  name: "sched/pin-override-no-cpu",
  title: "SCHEDOP_pin_override to a CPU that does not exist is refused with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const FAULT = PIN.check({
  name: "sched/pin-override-bad-address",
  title: "SCHEDOP_pin_override with an unreadable argument is refused with -EFAULT",
  notUnderXl: DONE_BY_DOM0,
});

export class SchedPin extends Scenario {
  constructor() {
    super(PIN);
  }

  toolstack(side: ToolstackSide): void {
    const control = side.control;
    /* The control's vCPU is pinned, or is not, where it should be the other way round. */
    if (control) sched.pinOverride(0);
    const pinned = sched.pinOverride(0);
    const back = sched.pinOverride(i32.MIN_VALUE);
    side.result(PINS, "SCHEDOP_pin_override(0), then of a negative number", pinned != 0 ? pinned : back, 0);
    if (!control) sched.pinOverride(0);
    side.result(BUSY, "SCHEDOP_pin_override(0) of a pinned vCPU", sched.pinOverride(0), -EBUSY);
    if (!control) sched.pinOverride(-1);
    side.result(NOTHING, "SCHEDOP_pin_override(-1)", sched.pinOverride(-1), -EINVAL);
    side.result(
      NO_CPU,
      "SCHEDOP_pin_override(0x7fffffff)",
      sched.pinOverride(control ? 0 : i32.MAX_VALUE),
      -EINVAL,
    );
    sched.pinOverride(-1);
    side.result(
      FAULT,
      "SCHEDOP_pin_override of an unreadable argument",
      sched_op(control ? SCHEDOP_yield : SCHEDOP_pin_override, NOWHERE),
      -EFAULT,
    );
  }
}
