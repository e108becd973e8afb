// Timers that outlive the reset. All of a domain's timers are Xen's, and a soft reset stops none of them
// (domain_soft_reset(), xen/common/domain.c, does not mention one): the singleshot and the periodic timer raise
// VIRQ_TIMER in the next kernel, as soon as that binds it; the timer of a SCHEDOP_poll that an event ended wakes a
// later poll; and an armed watchdog ends the next kernel, for a reason unknown to it.
//
// A watchdog that expires while the domain is shut down is lost instead: it does nothing, but its number stays in use
// (domain_watchdog_timeout(), xen/common/sched/core.c), so that a next kernel has one less.
//
// Each wait is as long as the machine needs: where the reset took longer than the timer, it is made again with a
// longer one. In the controls nothing is armed.

import { checked, evtchn, sched, systemTime, waitForEvents, watchdogOp } from "xenlet";
import { SHUTDOWN_watchdog } from "xenlet/raw/abi/sched";
import { VIRQ_TIMER } from "xenlet/raw/abi/xen";
import { describeResult } from "xenlet/raw/errno";
import { pressDebugKey } from "xenlet/raw/toolstack";
import { OVER_BEFORE_XL_RESETS, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { setPeriodicTimer, setSingleshotTimer } from "../raw";
import { ToolstackSide } from "../toolstack-side";
import { Dirty } from "./stays-dirty";

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const NO_PORTS: StaticArray<u32> = [];
/** ns that a timer is set ahead, at first and at most. */
const AHEAD: u64 = 60 * MS;
const FAR_AHEAD: u64 = 1000 * MS;

function bindTimer(): u32 {
  return <u32>checked("EVTCHNOP_bind_virq(VIRQ_TIMER)", evtchn.bindVirq(VIRQ_TIMER));
}

/** Whether the event comes before `deadline`. */
function comes(port: u32, deadline: u64): bool {
  const ports: StaticArray<u32> = [port];
  while (!evtchn.isPending(port) && systemTime() < deadline) sched.poll(ports, deadline);
  return evtchn.isPending(port);
}

const STAYS_DIRTY_TIMERS = scenario({ name: "stays-dirty-timers", area: "What stays dirty", costMs: 2000 });
const SINGLESHOT_TIMER = STAYS_DIRTY_TIMERS.check({
  name: "stays-dirty/singleshot-timer",
  title: "A singleshot timer set before the reset fires in the next kernel",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});
const PERIODIC_TIMER = STAYS_DIRTY_TIMERS.check({
  name: "stays-dirty/periodic-timer",
  title: "A periodic timer set before the reset keeps firing in the next kernel",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});

/** The singleshot and the periodic timer. */
export class Timers extends Dirty {
  constructor() {
    super(STAYS_DIRTY_TIMERS);
  }

  guest(side: GuestSide): void {
    this.once(side);
    this.often(side);
  }

  private once(side: GuestSide): void {
    for (let ahead = AHEAD; ; ahead *= 4) {
      const deadline = systemTime() + ahead;
      if (!side.control) setSingleshotTimer(deadline);
      side.reset();
      const port = bindTimer();
      if (systemTime() + MS >= deadline && ahead < FAR_AHEAD) continue;
      const came = comes(port, deadline + 50 * MS);
      side.check(
        SINGLESHOT_TIMER,
        came,
        "the old kernel's VCPUOP_set_singleshot_timer raises VIRQ_TIMER: " + (came ? "yes" : "no"),
      );
      return;
    }
  }

  private often(side: GuestSide): void {
    if (!side.control) setPeriodicTimer(10 * MS);
    side.reset();
    const port = bindTimer();
    let count = 0;
    /* Xen stops it while the vCPU sleeps, and makes up for it when it wakes. */
    for (let sleeps = 0; sleeps < 10 && count < 3; sleeps++) {
      comes(port, systemTime() + 12 * MS);
      if (evtchn.clear(port)) count++;
    }
    setPeriodicTimer(0);
    side.check(
      PERIODIC_TIMER,
      count == 3,
      "of three times that the old kernel's VCPUOP_set_periodic_timer may raise VIRQ_TIMER, " +
        count.toString() +
        " came",
    );
  }
}

const STAYS_DIRTY_POLL_TIMER = scenario({ name: "stays-dirty-poll-timer", area: "What stays dirty" });
const POLL_TIMER = STAYS_DIRTY_POLL_TIMER.check({
  name: "stays-dirty/poll-timer",
  title: "The timer of a SCHEDOP_poll that an event ended wakes a later poll of the next kernel",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});

/** The timer of a poll. */
export class PollTimer extends Dirty {
  /** ns behind the old deadline. */
  private late: i64 = 0;
  private byItself: bool = false;

  constructor() {
    super(STAYS_DIRTY_POLL_TIMER);
  }

  guest(side: GuestSide): void {
    let refuted = 0;
    for (let tries = 0; tries < 8 && !this.byItself && refuted < 2; tries++)
      if (this.tryOnce(side, AHEAD << min(tries, 3))) refuted++;
    side.check(
      POLL_TIMER,
      this.byItself,
      "a SCHEDOP_poll without a deadline ended " +
        (this.byItself ? "by itself, " : "with an event, ") +
        (this.late / <i64>MS).toString() +
        " ms after the deadline of the old one",
    );
  }

  /** False if the machine was too slow for it to show anything. */
  private tryOnce(side: GuestSide, ahead: u64): bool {
    const end = systemTime() + ahead;
    this.pollThatAnEventEnds(side.control ? 0 : end);
    side.reset();
    /* What ends the poll if the old timer does not. */
    const port = bindTimer();
    setSingleshotTimer(end + 4 * AHEAD);
    const began = systemTime();
    const ports: StaticArray<u32> = [port];
    while (systemTime() < end && !evtchn.isPending(port)) sched.poll(ports, 0);
    this.late = <i64>(systemTime() - end);
    this.byItself = !evtchn.isPending(port) && began < end;
    evtchn.close(port);
    return began + 5 * MS < end && this.late < <i64>(5 * AHEAD);
  }

  private pollThatAnEventEnds(deadline: u64): void {
    const port = bindTimer();
    const ports: StaticArray<u32> = [port];
    setSingleshotTimer(systemTime() + 2 * MS);
    while (!evtchn.isPending(port)) sched.poll(ports, deadline);
    evtchn.close(port);
  }
}

const LOST = "lost ";

const STAYS_DIRTY_WATCHDOG = scenario({
  name: "stays-dirty-watchdog",
  area: "What stays dirty",
  costMs: 3500,
});
const WATCHDOG_FIRES = STAYS_DIRTY_WATCHDOG.check({
  name: "stays-dirty/watchdog-fires",
  title: "A watchdog armed before the reset shuts the next kernel down for reason 4",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});
const WATCHDOG_ID = STAYS_DIRTY_WATCHDOG.check({
  name: "stays-dirty/watchdog-id",
  title: "A watchdog armed before the reset keeps its number",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});
const WATCHDOG_LOST = STAYS_DIRTY_WATCHDOG.check({
  name: "stays-dirty/watchdog-lost",
  title: "A watchdog that expires while the domain is shut down has no effect and keeps its number",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});

const WATCHDOG_PRINTED = STAYS_DIRTY_WATCHDOG.check({
  name: "stays-dirty/watchdog-as-printed",
  title: "Xen itself prints the timer of a watchdog armed before the reset as armed after it",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});

/** Timers of watchdogs, dom0 has none, that debug key a prints: each with the function that it calls. */
function watchdogsPrinted(): i32 {
  return pressDebugKey("a").split("domain_watchdog_timeout").length - 1;
}

/** Watchdogs. One second is the least that there is. */
export class Watchdogs extends Dirty {
  /** Xen system time up to which the domain stays shut down. */
  private hold: u64 = 0;

  constructor() {
    super(STAYS_DIRTY_WATCHDOG);
  }

  guest(side: GuestSide): void {
    this.lost(side);
    this.fires(side);
  }

  /** One that expires while the domain is shut down. */
  private lost(side: GuestSide): void {
    if (!side.control) console.log(LOST + (systemTime() + SECOND).toString());
    const id = <u32>checked("SCHEDOP_watchdog", watchdogOp(0, 1));
    if (side.control) watchdogOp(id, 0);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    side.attach();
    const result = watchdogOp(id, 0);
    side.result(WATCHDOG_LOST, "SCHEDOP_watchdog, to destroy the one that expired", result, 0);
  }

  private fires(side: GuestSide): void {
    for (let seconds: u32 = 1; seconds < 10; seconds *= 3) {
      const armed = systemTime();
      const id = <u32>checked("SCHEDOP_watchdog", watchdogOp(0, seconds));
      if (side.control) watchdogOp(id, 0);
      side.reset();
      /* It expired too early, or will in a moment. */
      const deadline = armed + seconds * SECOND;
      if (systemTime() + 50 * MS >= deadline) {
        watchdogOp(id, 0);
        continue;
      }
      const second = watchdogOp(0, 60);
      side.check(
        WATCHDOG_ID,
        second == id + 1,
        "SCHEDOP_watchdog, after number " + id.toString() + " = " + describeResult(second),
      );
      while (systemTime() < deadline + 150 * MS) sched.poll(NO_PORTS, deadline + 150 * MS);
      return;
    }
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line.startsWith(LOST)) this.hold = U64.parseInt(line.substring(LOST.length)) + 100 * MS;
  }

  onSoftReset(side: ToolstackSide): bool {
    while (systemTime() < this.hold) waitForEvents(this.hold);
    /* The first reset is of the one that is lost. */
    if (side.resets != 2) return super.onSoftReset(side);
    const domain = side.guest.domain;
    domain.pause();
    const before = watchdogsPrinted();
    const result = side.accepted(domain.softReset());
    const after = watchdogsPrinted();
    side.check(
      WATCHDOG_PRINTED,
      before == 1 && after == 1,
      "timers of watchdogs that Xen prints: " +
        before.toString() +
        ", and after the reset " +
        after.toString(),
    );
    side.guest.reconnect();
    return domain.unpause() == 0 && result == 0;
  }

  toolstack(side: ToolstackSide): void {
    super.toolstack(side);
    side.check(
      WATCHDOG_FIRES,
      side.reason == SHUTDOWN_watchdog,
      "with a watchdog armed before the reset, the domain ended for reason " + side.reason.toString(),
    );
  }
}
