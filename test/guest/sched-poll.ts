// SCHEDOP_poll: what ends it, what it refuses, and how sched.poll() tells the causes apart.
// Why: a guest sleeps in it, and Xen says 0 whatever the cause. Fails if Xen sleeps through an event, wakes for
// none, looks at ports in another order, or if the typed call takes one cause for another.

import {
  checked,
  DOMID_SELF,
  evtchn,
  POLL_MAX_PORTS,
  PollWake,
  sched,
  SCHEDOP_poll,
  systemTime,
  timer,
} from "xenlet";
import { expect, group, test } from "xenlet/test";
import { interrupts_off, interrupts_on } from "xenlet/raw/cpu";
import { EFAULT, EINVAL } from "xenlet/raw/errno";
import { sched_op } from "xenlet/raw/hypercall";
import {
  MS,
  NOWHERE,
  closedPort,
  has,
  ipiPort,
  pollArgument,
  quiet,
  rawPoll,
  soon,
  timerPort,
  withUpcall,
} from "./_sched";
import { POLL_REFUSES_UNUSABLE_PORTS } from "./_sched-versions";

/** Further off than any wake-up that a test waits for: reached only if that one is lost. */
const LATE: u64 = 2000 * MS;
const PAST: u64 = 1;
/** Beyond every port that a domain can have. */
const NO_PORT: u32 = 0x7ffffff0;

const a = ipiPort();
const b = ipiPort();
const closed = closedPort();

/** `count` ports, all `a` but the last, which is `b`. */
function many(count: i32): StaticArray<u32> {
  const ports = new StaticArray<u32>(count);
  ports.fill(a);
  ports[count - 1] = b;
  return ports;
}

function start(): void {
  quiet([a, b]);
}

group("poll, a port is pending", () => {
  test("returns EVENT at once and leaves the bit set", () => {
    start();
    evtchn.send(a);
    expect(rawPoll(changetype<usize>([a] as StaticArray<u32>), 1, 0)).toBe(0);
    expect(sched.poll([a])).toBe(PollWake.EVENT);
    expect(evtchn.isPending(a)).toBeTrue();
  });

  test("masked or not", () => {
    start();
    evtchn.unmask(b);
    evtchn.send(a);
    evtchn.send(b);
    expect(sched.poll([a])).toBe(PollWake.EVENT);
    expect(sched.poll([b])).toBe(PollWake.EVENT);
  });

  test("the second of two", () => {
    start();
    evtchn.send(b);
    expect(sched.poll([a, b])).toBe(PollWake.EVENT);
  });

  test("the last of 128", () => {
    start();
    evtchn.send(b);
    expect(sched.poll(many(POLL_MAX_PORTS))).toBe(PollWake.EVENT);
  });

  test("129 ports are -EINVAL all the same", () => {
    start();
    evtchn.send(a);
    expect(sched.poll(many(POLL_MAX_PORTS + 1))).toBe(-EINVAL);
    expect(rawPoll(NOWHERE, 0xffffffff, PAST)).toBe(-EINVAL);
  });
});

/** The timer event again, without quiet(), which would use up the earlier poll's timer. */
function setTimerAgain(at: u64): void {
  evtchn.clear(timerPort);
  timer.set(at);
}

group("poll, an event while it sleeps", () => {
  test("on its port: EVENT, before the deadline", () => {
    start();
    const event = soon(5 * MS);
    timer.set(event);
    expect(sched.poll([timerPort], event + LATE)).toBe(PollWake.EVENT);
    expect(systemTime()).toBeWithin(event, event + LATE - 1);
  });

  test("on the last of 128 ports: EVENT, without a deadline", () => {
    start();
    const ports = many(POLL_MAX_PORTS);
    ports[POLL_MAX_PORTS - 1] = timerPort;
    timer.set(soon(5 * MS));
    expect(sched.poll(ports)).toBe(PollWake.EVENT);
  });

  test("masked and elsewhere does not end a poll of one port", () => {
    start();
    timer.set(soon(5 * MS));
    const deadline = soon(30 * MS);
    expect(sched.poll([a], deadline)).toBe(PollWake.DEADLINE);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
    expect(evtchn.isPending(timerPort)).toBeTrue();
  });

  test("masked and elsewhere ends a poll of two ports, and of none: SPURIOUS", () => {
    start();
    timer.set(soon(5 * MS));
    expect(sched.poll([a, b], soon(LATE))).toBe(PollWake.SPURIOUS);
    start();
    timer.set(soon(5 * MS));
    expect(sched.poll([])).toBe(PollWake.SPURIOUS);
    expect(evtchn.isPending(timerPort)).toBeTrue();
  });

  test("unmasked and elsewhere ends a poll of one port: SPURIOUS", () => {
    start();
    evtchn.unmask(timerPort);
    timer.set(soon(5 * MS));
    expect(sched.poll([a], soon(LATE))).toBe(PollWake.SPURIOUS);
  });

  test("is none if its port is pending already", () => {
    start();
    timer.set(soon(1 * MS));
    expect(sched.poll([timerPort])).toBe(PollWake.EVENT);
    timer.set(soon(5 * MS));
    const deadline = soon(30 * MS);
    expect(sched.poll([], deadline)).toBe(PollWake.DEADLINE);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
  });
});

group("poll, the deadline", () => {
  test("with no port, not before it", () => {
    start();
    const deadline = soon(5 * MS);
    expect(sched.poll([], deadline)).toBe(PollWake.DEADLINE);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
  });

  test("with 1, 2 and 128 ports, not before it", () => {
    start();
    let deadline = soon(5 * MS);
    expect(sched.poll([a], deadline)).toBe(PollWake.DEADLINE);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
    deadline = soon(5 * MS);
    expect(sched.poll([a, b], deadline)).toBe(PollWake.DEADLINE);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
    deadline = soon(5 * MS);
    expect(sched.poll(many(POLL_MAX_PORTS), deadline)).toBe(PollWake.DEADLINE);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
  });

  test("in the past: at once", () => {
    start();
    const before = systemTime();
    expect(sched.poll([a], PAST)).toBe(PollWake.DEADLINE);
    expect(systemTime() - before).toBeLessThan(LATE);
  });

  test("of an earlier poll that an event ended wakes a later one: SPURIOUS", () => {
    start();
    const stale = soon(1000 * MS);
    timer.set(soon(5 * MS));
    expect(sched.poll([timerPort], stale)).toBe(PollWake.EVENT);
    expect(systemTime()).toBeLessThan(stale);
    setTimerAgain(stale + LATE);
    expect(sched.poll([timerPort])).toBe(PollWake.SPURIOUS);
    expect(systemTime()).toBeWithin(stale, stale + LATE);
  });

  test("of a later poll replaces an earlier one's", () => {
    start();
    timer.set(soon(5 * MS));
    expect(sched.poll([timerPort], soon(50 * MS))).toBe(PollWake.EVENT);
    const deadline = soon(100 * MS);
    expect(sched.poll([a], deadline)).toBe(PollWake.DEADLINE);
    expect(systemTime()).toBeWithin(deadline, deadline + LATE);
  });
});

group("poll, an upcall can be delivered", () => {
  test("returns 0 before it looks at any port", () => {
    start();
    const none: StaticArray<u32> = [NO_PORT];
    expect(rawPoll(changetype<usize>(none), 1, 0)).toBe(-EINVAL);
    // The same argument again, now with an upcall.
    let result = -EINVAL;
    for (let i = 0; i < 5 && result != 0; i++) result = withUpcall(SCHEDOP_poll, pollArgument);
    expect(result).toBe(0);
  });

  test("with interrupts off only the ports count", () => {
    start();
    interrupts_off();
    evtchn.unmask(b);
    evtchn.send(b);
    const other = sched.poll([a], soon(5 * MS));
    const own = sched.poll([b], soon(LATE));
    interrupts_on();
    expect(other).toBe(PollWake.DEADLINE);
    expect(own).toBe(PollWake.EVENT);
  });
});

group("poll, an invalid port", () => {
  test("before a pending one: -EINVAL", () => {
    start();
    evtchn.send(a);
    expect(sched.poll([NO_PORT, a])).toBe(-EINVAL);
  });

  test("after a pending one: not looked at", () => {
    start();
    evtchn.send(a);
    expect(sched.poll([a, NO_PORT])).toBe(PollWake.EVENT);
  });

  test("port 0, and one that was closed", () => {
    start();
    const refused = has(POLL_REFUSES_UNUSABLE_PORTS) ? -EINVAL : PollWake.DEADLINE;
    expect(sched.poll([0], PAST)).toBe(refused);
    expect(sched.poll([closed], PAST)).toBe(refused);
  });

  test("one that waits for its other end is a port", () => {
    start();
    const unbound = <u32>checked("EVTCHNOP_alloc_unbound", evtchn.allocUnbound(DOMID_SELF));
    expect(sched.poll([unbound], PAST)).toBe(PollWake.DEADLINE);
    evtchn.close(unbound);
  });
});

group("poll, bad addresses", () => {
  test("of the argument: -EFAULT", () => {
    expect(sched_op(SCHEDOP_poll, NOWHERE)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_poll, 0)).toBe(-EFAULT);
  });

  test("of the ports: -EFAULT, unless there are none to read or too many", () => {
    start();
    expect(rawPoll(NOWHERE, 1, PAST)).toBe(-EFAULT);
    expect(rawPoll(NOWHERE, 0, PAST)).toBe(0);
    expect(rawPoll(NOWHERE, POLL_MAX_PORTS + 1, PAST)).toBe(-EINVAL);
  });
});
