// How a domain ends, as its toolstack sees it: the reason that Xen keeps, which of two reasons counts, what dom0 and a watchdog do to
// a domain that does not ask for it, and the one call that never returns (docs/scheduler.md; domain_shutdown(),
// domain_watchdog_timeout() and do_block() of Xen). A toolstack acts on the reason alone: one that is wrong restarts a
// guest that has crashed, or destroys one that wants to reboot.
//
// The domain continues after each end, resumed by dom0. In the control it ends by another way.

import {
  SCHEDOP_block,
  SHUTDOWN_crash,
  SHUTDOWN_reboot,
  SHUTDOWN_watchdog,
  checked,
  describeResult,
  evtchn,
  sched,
  systemTime,
  waitForEvents,
  watchdogOp,
} from "xenlet";
import { interrupts_off, interrupts_on } from "xenlet/raw/cpu";
import { sched_op } from "xenlet/raw/hypercall";
import { XenConsole } from "xenlet/raw/toolstack";
import { DONE_BY_DOM0, SCHED, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { MS } from "../sched-calls";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const ENDS = scenario({ name: "sched-ends", area: "Scheduler", suite: SCHED, costMs: 1500 });
const REASON = ENDS.check({
  name: "sched/shutdown-reason",
  title: "A domain ends with the lowest byte of its reason, whether or not that has a name",
  notUnderXl: DONE_BY_DOM0,
});
const LATCHED = ENDS.check({
  name: "sched/shutdown-code-first",
  title: "The first SCHEDOP_shutdown_code is the reason that the domain ends with",
  notUnderXl: DONE_BY_DOM0,
});
const LATCHED_BYTE = ENDS.check({
  name: "sched/shutdown-code-lowest-byte",
  title: "SCHEDOP_shutdown_code keeps the lowest byte of its reason",
  notUnderXl: DONE_BY_DOM0,
});
const FORGOTTEN = ENDS.check({
  name: "sched/shutdown-code-forgotten",
  title: "A latched shutdown code is cleared when the domain is resumed",
  notUnderXl: DONE_BY_DOM0,
});
const REMOTE = ENDS.check({
  name: "sched/remote-shutdown",
  title: "dom0 ends another domain by SCHEDOP_remote_shutdown, with the lowest byte of the reason",
  notUnderXl: DONE_BY_DOM0,
});
const REMOTE_LATCHED = ENDS.check({
  name: "sched/remote-shutdown-latched",
  title: "A latched shutdown code also overrides the reason of SCHEDOP_remote_shutdown",
  notUnderXl: DONE_BY_DOM0,
});
const EXPIRES_AT_ONCE = ENDS.check({
  name: "sched/watchdog-at-once",
  title: "A watchdog of 0 seconds with number 0 ends the domain at once, for reason 4",
  notUnderXl: DONE_BY_DOM0,
});
const EXPIRES_LATCHED = ENDS.check({
  name: "sched/watchdog-latched",
  title: "A latched shutdown code also overrides the reason of a watchdog",
  notUnderXl: DONE_BY_DOM0,
});
const EXPIRES = ENDS.check({
  name: "sched/watchdog-expires",
  title: "A watchdog that expires ends the domain for reason 4, and one that was destroyed does not",
  notUnderXl: DONE_BY_DOM0,
});
const MESSAGE = ENDS.check({
  name: "sched/watchdog-message",
  title: "Xen's message about a watchdog names the domain and, in newer versions, the timer",
  notUnderXl: DONE_BY_DOM0,
});
const NEVER = ENDS.check({
  name: "sched/block-interrupts-off",
  title: "SCHEDOP_block with interrupts off sleeps even though an event is pending",
  notUnderXl: DONE_BY_DOM0,
});

/** Reasons as they are given: some have a name, some have more than a byte. */
const REASONS: StaticArray<u32> = [SHUTDOWN_reboot, SHUTDOWN_crash, 6, 200, 0x107];
const UNTIL = "asleep until ";
const READY = "ready";
const WOKEN = "woken";
const NAMELESS: u32 = 6;
const SECOND: u64 = 1000 * MS;
const ASLEEP: u64 = 1500 * MS;
/** ns that a domain has to do what it is not to do. */
const PATIENCE: u64 = 300 * MS;
const NO_PORTS: StaticArray<u32> = [];

function sleep(ns: u64): void {
  const end = systemTime() + ns;
  while (systemTime() < end) sched.poll(NO_PORTS, end);
}

export class SchedEnds extends Scenario {
  private lines: Array<string> = [];
  private until: u64 = 0;

  constructor() {
    super(ENDS);
  }

  guest(side: GuestSide): void {
    const control = side.control;
    for (let i = 0; i < REASONS.length; i++) sched.shutdown(control ? REASONS[i] ^ 1 : REASONS[i]);

    if (!control) sched.shutdownCode(SHUTDOWN_crash);
    sched.shutdownCode(NAMELESS);
    sched.shutdown(SHUTDOWN_reboot);

    sched.shutdownCode(control ? 0x106 : 0x107);
    sched.shutdown(SHUTDOWN_reboot);

    if (control) sched.shutdownCode(SHUTDOWN_crash);
    sched.shutdown(SHUTDOWN_reboot);

    this.beEnded(control);
    if (!control) sched.shutdownCode(SHUTDOWN_crash);
    this.beEnded(control);
    this.expire(control);
    this.block(control);
  }

  /** Sleeps, and says until when, so that dom0 ends it before, and resumes it afterwards. The control's ends itself. */
  private beEnded(control: bool): void {
    if (control) {
      sched.shutdown(SHUTDOWN_reboot);
      return;
    }
    const until = systemTime() + ASLEEP;
    console.log(UNTIL + until.toString());
    while (systemTime() < until) sched.poll(NO_PORTS, until);
  }

  private expire(control: bool): void {
    if (control) sched.shutdown(SHUTDOWN_reboot);
    else watchdogOp(0, 0);
    sleep(10 * MS);
    watchdogOp(1, 0);
    if (!control) sched.shutdownCode(NAMELESS);
    watchdogOp(0, 0);
    sleep(10 * MS);
    watchdogOp(1, 0);
    /* The second one, so that a Xen which names the timer has a number to name. */
    const first = <u32>checked("SCHEDOP_watchdog", watchdogOp(0, 1));
    const second = <u32>checked("SCHEDOP_watchdog", watchdogOp(0, 1));
    watchdogOp(first, 0);
    if (control) watchdogOp(second, 0);
    sleep(SECOND + 200 * MS);
    if (control) sched.shutdown(SHUTDOWN_reboot);
    watchdogOp(second, 0);
  }

  /** Never comes back; the control's does. */
  private block(control: bool): void {
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    evtchn.unmask(port);
    if (!control) interrupts_off();
    console.log(READY);
    evtchn.send(port);
    if (control) sched.block();
    else sched_op(SCHEDOP_block, 0);
    if (!control) interrupts_on();
    console.log(WOKEN);
  }

  onLine(side: ToolstackSide, line: string): void {
    this.lines.push(line);
    if (line.startsWith(UNTIL)) this.until = U64.parseInt(line.substring(UNTIL.length));
  }

  private said(line: string, deadline: u64): bool {
    while (!this.lines.includes(line) && systemTime() < deadline) waitForEvents(deadline);
    return this.lines.includes(line);
  }

  /** Whether it ended for that reason. It continues. */
  private ended(side: ToolstackSide, name: string, expected: u32): void {
    const info = side.untilShutdown();
    side.check(
      name,
      info.isShutdown && info.reason == expected,
      "the domain ended for reason " + info.reason.toString() + ", expected " + expected.toString(),
    );
    side.guest.domain.resume();
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    const domain = side.guest.domain;
    let wrong = 0;
    for (let i = 0; i < REASONS.length; i++) {
      if (side.untilShutdown().reason != (REASONS[i] & 0xff)) wrong++;
      domain.resume();
    }
    side.same(REASON, "reasons that are not the lowest byte of the one asked for, of five", wrong, 0);
    this.ended(side, LATCHED, SHUTDOWN_crash);
    this.ended(side, LATCHED_BYTE, 7);
    this.ended(side, FORGOTTEN, SHUTDOWN_reboot);
    this.remote(side, REMOTE, NAMELESS);
    this.remote(side, REMOTE_LATCHED, SHUTDOWN_crash);
    this.ended(side, EXPIRES_AT_ONCE, SHUTDOWN_watchdog);
    this.ended(side, EXPIRES_LATCHED, NAMELESS);
    const xen = new XenConsole();
    this.ended(side, EXPIRES, SHUTDOWN_watchdog);
    this.message(side, xen.read(), domain.id);
    this.lines = [];
    this.said(READY, systemTime() + SECOND);
    const woken = this.said(WOKEN, systemTime() + PATIENCE);
    const info = domain.info();
    side.check(
      NEVER,
      !woken && !info.isShutdown,
      "with an event pending and interrupts off it " + (woken ? "came back" : "did not come back"),
    );
  }

  private remote(side: ToolstackSide, name: string, expected: u32): void {
    if (side.control) {
      this.ended(side, name, expected);
      return;
    }
    const patience = systemTime() + ASLEEP;
    while (this.until == 0 && systemTime() < patience) waitForEvents(patience);
    const until = this.until;
    this.until = 0;
    const result = side.guest.domain.remoteShutdown(0x100 | NAMELESS);
    const info = side.untilShutdown();
    side.check(
      name,
      result == 0 && info.reason == expected,
      "SCHEDOP_remote_shutdown = " +
        describeResult(result) +
        "; the domain ended for reason " +
        info.reason.toString() +
        ", expected " +
        expected.toString(),
    );
    while (systemTime() < until) waitForEvents(until);
    side.guest.domain.resume();
  }

  /** From 4.21 on Xen counts its timers from 0, while the guest's numbers begin with 1. */
  private message(side: ToolstackSide, text: string, id: u16): void {
    const plain = text.includes("Watchdog timer fired for domain " + id.toString());
    const at = text.indexOf(" fired for d" + id.toString());
    const from = text.lastIndexOf("Watchdog timer ", at);
    const named = at >= 0 && from >= 0 ? text.substring(from + "Watchdog timer ".length, at) : "";
    const seen = plain ? "unnamed" : named.length > 0 ? "timer " + named : "none";
    const what = "of watchdog 2 Xen prints: " + seen;
    if (side.control) side.check(MESSAGE, seen != "none", what);
    else side.observed(MESSAGE, "watchdog-message:" + seen, seen != "none", what);
  }
}
