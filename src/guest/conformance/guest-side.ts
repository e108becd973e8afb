// What a scenario has at hand inside the domain. Results go out by the console, as lines that the toolstack knows.

import { checked, evtchn, sched, softReset, xen } from "xenlet";
import { SHUTDOWN_suspend } from "xenlet/raw/abi/sched";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { describeResult } from "xenlet/raw/errno";
import { needSharedInfo } from "xenlet/raw/shared-info";
import { checkPayload, comparison, stateOf } from "./report";

/** Marks a line that is a check's result. */
export const CHECK_LINE = "check ";

export class GuestSide {
  constructor(
    /** Whether this is the control: see scenario.ts. */
    readonly control: bool,
    /** Where no toolstack can skip the reset, it is skipped here: the domain does not ask. */
    private skipsReset: bool = false,
  ) {
    /* A scenario is about a kernel that has its events set up, and deals with Xen behind the runtime's back. */
    needSharedInfo();
  }

  /** A check's result in so many words. */
  check(name: string, ok: bool, text: string): void {
    console.log(CHECK_LINE + checkPayload(name, stateOf(ok), "", text));
  }

  /** A check that passes if a hypercall's result is what it should be. */
  result(name: string, what: string, actual: i64, expected: i64): void {
    this.check(name, actual == expected, comparison(what, describeResult(actual), describeResult(expected)));
  }

  /** A check that passes if two numbers are the same. */
  same(name: string, what: string, actual: u64, expected: u64): void {
    this.check(name, actual == expected, comparison(what, actual.toString(), expected.toString()));
  }

  /** A check whose right answer depends on the version: the host compares `value` with its table. `ok` is the rest of it. */
  observed(name: string, value: string, ok: bool, text: string): void {
    console.log(CHECK_LINE + checkPayload(name, stateOf(ok), value, text));
  }

  skip(name: string, reason: string): void {
    console.log(CHECK_LINE + checkPayload(name, "skipped", "", reason));
  }

  /** This domain's own number, which Xen reports for a channel from the domain to itself. Ends the domain if there is no port left. */
  ownDomid(): u16 {
    const offered = <u32>checked("EVTCHNOP_alloc_unbound", evtchn.allocUnbound(DOMID_SELF));
    const port = <u32>checked("EVTCHNOP_bind_interdomain", evtchn.bindInterdomain(DOMID_SELF, offered));
    const domid = evtchn.status(port).domain;
    evtchn.close(port);
    evtchn.close(offered);
    return domid;
  }

  /** The bare request, and nothing set up again: SCHEDOP_shutdown's own number. Until attach() nothing may be said. */
  requestReset(): i64 {
    if (!this.skipsReset) return softReset.request();
    xen.detach();
    return 0;
  }

  /**
   * Stands still, everything as it is, until dom0's onStop() is done: a shutdown for another reason, which the toolstack
   * answers with XEN_DOMCTL_resumedomain, in the control as well.
   */
  stop(): void {
    const result = sched.shutdown(SHUTDOWN_suspend);
    if (result != 0) throw new Error("SCHEDOP_shutdown(SHUTDOWN_suspend) = " + describeResult(result));
  }

  attach(): void {
    xen.attach();
  }

  /** Request and attach. A refusal ends the domain: the scenario's checks are then without a result, and fail. */
  reset(): void {
    const result = this.requestReset();
    if (result != 0) throw new Error("SCHEDOP_shutdown(SHUTDOWN_soft_reset) = " + describeResult(result));
    xen.attach();
  }
}
