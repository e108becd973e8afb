// What ends a sleep: SCHEDOP_poll and SCHEDOP_block, as docs/scheduler.md has them (do_poll() and vcpu_block_enable_events(),
// xen/common/sched/core.c). A kernel sleeps in them, and Xen says 0 whatever the cause. A Xen that slept through an event would
// hang a guest now and then; one that woke for none would cost it its idle time.
//
// Each check looks at whether Xen's clock had reached a deadline when the call came back. In the control what ends the sleep is
// missing, or comes too soon.

import { SCHEDOP_block, SCHEDOP_poll, SCHEDOP_yield, evtchn, sched, systemTime } from "xenlet";
import { VCPU_INFO_EVTCHN_UPCALL_MASK } from "xenlet/raw/abi/xen";
import { EINVAL } from "xenlet/raw/errno";
import { sched_op } from "xenlet/raw/hypercall";
import { load8, store8 } from "xenlet/raw/memory";
import { vcpuInfo } from "xenlet/raw/shared-info";
import { SCHED, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { setSingleshotTimer } from "../raw";
import {
  EVENT_AFTER,
  LATE,
  MS,
  NOWHERE,
  NO_PORT,
  PAST,
  SOON,
  Sleeper,
  pollArgument,
  rawPoll,
  withUpcall,
} from "../sched-calls";
import { Scenario } from "../scenario";

const POLL = scenario({ name: "sched-poll", area: "Scheduler", suite: SCHED, costMs: 1500 });
const UPCALL_FIRST = POLL.check({
  name: "sched/poll-upcall-first",
  title: "SCHEDOP_poll returns 0 while an upcall can be delivered, before it checks any port",
});
const PENDING = POLL.check({
  name: "sched/poll-pending",
  title: "SCHEDOP_poll returns at once for a pending port, even a masked one",
});
const SECOND = POLL.check({
  name: "sched/poll-second-pending",
  title: "SCHEDOP_poll returns at once if the second of two ports is pending",
});
const LAST = POLL.check({
  name: "sched/poll-last-of-128",
  title: "SCHEDOP_poll returns at once if the last of 128 ports is pending",
});
const TOO_MANY = POLL.check({
  name: "sched/poll-129-ports",
  title: "SCHEDOP_poll of 129 ports is refused with -EINVAL",
});
const INVALID = POLL.check({
  name: "sched/poll-invalid-port",
  title: "SCHEDOP_poll of a port beyond those allocated is refused with -EINVAL",
});
const INVALID_LATER = POLL.check({
  name: "sched/poll-invalid-after-pending",
  title: "SCHEDOP_poll checks no port after one that is pending",
});
const UNUSABLE = POLL.check({
  name: "sched/poll-unusable-port",
  title: "SCHEDOP_poll of a closed port is refused by some versions only",
});
const EVENT = POLL.check({
  name: "sched/poll-event",
  title: "An event on a polled port ends SCHEDOP_poll before its deadline",
});
const EVENT_OF_128 = POLL.check({
  name: "sched/poll-event-of-128",
  title: "An event on the last of 128 polled ports ends SCHEDOP_poll before its deadline",
});
const DEADLINE = POLL.check({
  name: "sched/poll-deadline",
  title: "SCHEDOP_poll without an event ends at its deadline, not before",
});
const IN_THE_PAST = POLL.check({
  name: "sched/poll-past-deadline",
  title: "SCHEDOP_poll with a deadline in the past returns at once",
});
const ELSEWHERE_ONE = POLL.check({
  name: "sched/poll-masked-elsewhere",
  title: "A masked event on another port does not end SCHEDOP_poll of one port",
});
const ELSEWHERE_TWO = POLL.check({
  name: "sched/poll-masked-elsewhere-two",
  title: "A masked event on another port ends SCHEDOP_poll of two ports",
});
const ELSEWHERE_NONE = POLL.check({
  name: "sched/poll-masked-elsewhere-none",
  title: "A masked event ends SCHEDOP_poll of an empty list of ports",
});
const UNMASKED = POLL.check({
  name: "sched/poll-unmasked-elsewhere",
  title: "An unmasked event on another port ends SCHEDOP_poll of one port",
});
const PENDING_ALREADY = POLL.check({
  name: "sched/poll-pending-elsewhere",
  title: "A second event on a pending port that is not polled does not end SCHEDOP_poll",
});
const STALE = POLL.check({
  name: "sched/poll-earlier-deadline",
  title: "The deadline of a SCHEDOP_poll that an event ended wakes a later one without a deadline",
});
const REPLACED = POLL.check({
  name: "sched/poll-deadline-replaced",
  title: "The deadline of a later SCHEDOP_poll replaces that of an earlier one",
});

/** `count` ports: all `first`, but the last. */
function many(count: i32, first: u32, last: u32): StaticArray<u32> {
  const ports = new StaticArray<u32>(count);
  ports.fill(first);
  ports[count - 1] = last;
  return ports;
}

function addressOf(ports: StaticArray<u32>): usize {
  return changetype<usize>(ports);
}

/** A claim that depends on timing: it is tried again if the machine stood still meanwhile. */
const TRIES = 5;

export class SchedPoll extends Scenario {
  constructor() {
    super(POLL);
  }

  /** `expected`: whether the sleep ended before its deadline. */
  private early(side: GuestSide, name: string, sleeper: Sleeper, actual: bool, expected: bool): void {
    side.check(
      name,
      sleeper.result == 0 && actual == expected,
      "SCHEDOP_poll = " +
        sleeper.result.toString() +
        ", " +
        (actual ? "before" : "not before") +
        " its deadline",
    );
  }

  guest(side: GuestSide): void {
    const s = new Sleeper();
    this.refusals(side, s);
    this.pending(side, s);
    this.deadlines(side, s);
    this.elsewhere(side, s);
    s.quiet();
  }

  private refusals(side: GuestSide, s: Sleeper): void {
    const control = side.control;
    s.quiet();
    let result: i64 = -1;
    const tries = control ? 1 : TRIES;
    const invalid: StaticArray<u32> = [NO_PORT];
    /* It fills the argument for the calls that count. */
    rawPoll(addressOf(invalid), 1, PAST);
    for (let i = 0; i < tries && result != 0; i++)
      result = control ? sched_op(SCHEDOP_poll, pollArgument) : withUpcall(SCHEDOP_poll, pollArgument);
    side.result(UPCALL_FIRST, "SCHEDOP_poll of an invalid port", result, 0);
    while (evtchn.scan() != 0) {}

    s.quiet();
    const count = control ? 128 : 129;
    side.result(
      TOO_MANY,
      "SCHEDOP_poll of " + count.toString() + " ports",
      rawPoll(addressOf(many(129, s.a, s.b)), count, PAST),
      -EINVAL,
    );
    const usable: StaticArray<u32> = [s.a];
    side.result(
      INVALID,
      "SCHEDOP_poll of port 0x7ffffff0",
      rawPoll(addressOf(control ? usable : invalid), 1, PAST),
      -EINVAL,
    );
    if (!control) evtchn.send(s.a);
    side.result(
      INVALID_LATER,
      "SCHEDOP_poll of a pending port and an invalid one",
      rawPoll(addressOf([s.a, NO_PORT]), 2, PAST),
      0,
    );
    evtchn.clear(s.a);
    const closed: StaticArray<u32> = [s.closed()];
    const unusable = rawPoll(control ? NOWHERE : addressOf(closed), 1, PAST);
    const known = unusable == 0 || unusable == -EINVAL;
    const text = "SCHEDOP_poll of a closed port = " + unusable.toString();
    if (control) side.check(UNUSABLE, known, text);
    else side.observed(UNUSABLE, "poll-unusable-port:" + unusable.toString(), known, text);
  }

  private pending(side: GuestSide, s: Sleeper): void {
    const control = side.control;
    const within = control ? SOON : LATE;
    const lists: Array<StaticArray<u32>> = [[s.a], [s.b, s.a], many(128, s.b, s.a)];
    const names = [PENDING, SECOND, LAST];
    for (let i = 0; i < lists.length; i++) {
      s.quiet();
      if (!control) evtchn.send(s.a);
      this.early(side, names[i], s, s.isEarly(lists[i], within), true);
    }
    const sleeping: Array<StaticArray<u32>> = [[s.timer], many(128, s.b, s.timer)];
    const sleepingNames = [EVENT, EVENT_OF_128];
    for (let i = 0; i < sleeping.length; i++) {
      if (control) s.quiet();
      else s.quietWithEvent();
      this.early(side, sleepingNames[i], s, s.isEarly(sleeping[i], within), true);
    }
  }

  private deadlines(side: GuestSide, s: Sleeper): void {
    const control = side.control;
    s.quiet();
    if (control) evtchn.send(s.a);
    this.early(side, DEADLINE, s, s.isEarly([s.a], SOON), false);

    s.quiet();
    const other = systemTime() + (control ? SOON : LATE);
    setSingleshotTimer(other);
    s.result = rawPoll(addressOf([s.timer]), 1, control ? 0 : PAST);
    this.early(side, IN_THE_PAST, s, systemTime() < other, true);

    /* The control's earlier deadline is over before the later poll begins. */
    s.quietWithEvent();
    const stale = systemTime() + SOON;
    s.result = rawPoll(addressOf([s.timer]), 1, stale);
    while (control && systemTime() < stale + 5 * MS) {}
    const rescue = systemTime() + (control ? SOON : LATE);
    setSingleshotTimer(rescue);
    evtchn.clear(s.timer);
    s.result = rawPoll(addressOf([s.timer]), 1, 0);
    this.early(side, STALE, s, systemTime() < rescue, true);

    s.quietWithEvent();
    s.result = rawPoll(addressOf([s.timer]), 1, systemTime() + SOON);
    const later = systemTime() + 3 * SOON;
    s.result = rawPoll(addressOf([s.a]), 1, control ? 0 : later);
    this.early(side, REPLACED, s, systemTime() < later, false);
  }

  private elsewhere(side: GuestSide, s: Sleeper): void {
    const control = side.control;
    s.quietWithEvent();
    this.early(side, ELSEWHERE_ONE, s, s.isEarly([control ? s.timer : s.a], SOON), false);

    const lists: Array<StaticArray<u32>> = [[s.a, s.b], []];
    const names = [ELSEWHERE_TWO, ELSEWHERE_NONE];
    for (let i = 0; i < lists.length; i++) {
      s.quietWithEvent();
      const early = control ? s.isEarly([s.a], SOON) : s.isEarly(lists[i], LATE);
      this.early(side, names[i], s, early, true);
    }

    s.quietWithEvent();
    if (!control) evtchn.unmask(s.timer);
    this.early(side, UNMASKED, s, s.isEarly([s.a], control ? SOON : LATE), true);

    s.quietWithEvent();
    rawPoll(addressOf([s.timer]), 1, 0);
    if (control) evtchn.clear(s.timer);
    setSingleshotTimer(systemTime() + EVENT_AFTER);
    this.early(side, PENDING_ALREADY, s, s.isEarly([s.a, s.b], SOON), false);
  }
}

const BLOCK = scenario({ name: "sched-block", area: "Scheduler", suite: SCHED });
const AT_ONCE = BLOCK.check({
  name: "sched/block-at-once",
  title: "SCHEDOP_block returns at once while an upcall can be delivered",
});
const UNTIL_EVENT = BLOCK.check({
  name: "sched/block-until-event",
  title: "SCHEDOP_block sleeps until an unmasked event comes",
});
const CLEARS_MASK = BLOCK.check({
  name: "sched/block-clears-mask",
  title: "SCHEDOP_block writes 0 to evtchn_upcall_mask",
});
const BLOCK_ARGUMENT = BLOCK.check({
  name: "sched/block-argument",
  title: "SCHEDOP_block ignores its argument",
});

export class SchedBlock extends Scenario {
  constructor() {
    super(BLOCK);
  }

  guest(side: GuestSide): void {
    const control = side.control;
    const s = new Sleeper();
    let early = false;
    const tries = control ? 1 : TRIES;
    for (let i = 0; i < tries && !early; i++) {
      s.quiet();
      evtchn.unmask(s.timer);
      const event = systemTime() + (control ? SOON : LATE / 4);
      setSingleshotTimer(event);
      if (control) sched.block();
      else withUpcall(SCHEDOP_block, 0);
      early = systemTime() < event;
    }
    side.check(AT_ONCE, early, "it came back " + (early ? "before" : "with") + " the timer's event");

    s.quiet();
    evtchn.unmask(s.timer);
    const event = systemTime() + SOON;
    setSingleshotTimer(event);
    if (control) evtchn.unmask(s.a);
    if (control) evtchn.send(s.a);
    let port: u32 = 0;
    while (port == 0) {
      sched.block();
      port = evtchn.scan();
    }
    const slept = systemTime() >= event && port == s.timer;
    side.check(UNTIL_EVENT, slept, "it " + (slept ? "slept" : "did not sleep") + " until the timer's event");

    /* Far enough ahead that it does not come before the call, which it would not end then. */
    const mask = vcpuInfo() + VCPU_INFO_EVTCHN_UPCALL_MASK;
    s.quiet();
    evtchn.unmask(s.timer);
    store8(mask, 1);
    setSingleshotTimer(systemTime() + 5 * SOON);
    sched_op(control ? SCHEDOP_yield : SCHEDOP_block, 0);
    side.same(CLEARS_MASK, "evtchn_upcall_mask, which was 1", load8(mask), 0);
    s.quiet();
    evtchn.unmask(s.timer);
    setSingleshotTimer(systemTime() + 5 * SOON);
    side.result(
      BLOCK_ARGUMENT,
      "SCHEDOP_block of an unreadable argument",
      sched_op(control ? SCHEDOP_poll : SCHEDOP_block, NOWHERE),
      0,
    );
    s.quiet();
  }
}
