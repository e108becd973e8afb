// @xenlet vcpus=2 timeout=120 test-timeout=60
// The event loop on a real Xen: nothing runs early, nothing is slept through, and waiting costs nothing.
// Fails if a wake-up is lost (then a test has no end, or vCPU 1 sees its event not taken), or if the loop spins:
// Xen's own account of the vCPU's time tells.

import { Vcpu, after, checked, every, evtchn, runLoop, systemTime } from "xenlet";
import { runstate } from "xenlet/runstate";
import { expect, group, test } from "xenlet/test";

const MILLISECOND: u64 = 1_000_000;

class Counter {
  count: u32 = 0;
  id: i32 = 0;

  constructor(readonly limit: u32 = 0) {}
}

let order = "";
let due: u64 = 0;
let port: u32 = 0;
let other: Vcpu | null = null;
let asleep: u64 = 0;
let awake: u64 = 0;

/** Ports with a handler, none of which is ever raised. */
const idle: u32[] = [];

function watchIdlePorts(count: i32): void {
  for (let i = 0; i < count; i++) {
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    checked(
      "on",
      evtchn.on(port, new Counter(), (counter) => {
        counter.count++;
      }),
    );
    idle.push(port);
  }
}

function forgetIdlePorts(): void {
  while (idle.length > 0) evtchn.close(idle.pop());
}

/** Handles `limit` events of a port of its own, then ends the loop. */
function takeEvents(limit: u32): Counter {
  const counter = new Counter(limit);
  port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
  checked(
    "on",
    evtchn.on(port, counter, (counter, port) => {
      if (++counter.count == counter.limit) {
        evtchn.off(port);
        forgetIdlePorts();
      }
    }),
  );
  return counter;
}

/** Timers aimed at the moment of going to sleep: due from "already past" to "well asleep". */
function nextShortTimer(counter: Counter): void {
  if (++counter.count == counter.limit) forgetIdlePorts();
  else after(<f64>(counter.count % 400) / 4000, counter, nextShortTimer);
}

function waitsWell(idlePorts: i32): void {
  test("a timer runs when it is due, not before", () => {
    due = systemTime() + 200 * MILLISECOND;
    setTimeout(() => {
      expect(systemTime()).toBeGreaterThan(due);
      forgetIdlePorts();
    }, 200);
    runLoop();
  });

  watchIdlePorts(idlePorts);
  test("half a second of waiting is spent asleep", () => {
    after(500, runstate(), (before) => {
      const now = runstate();
      asleep = now.blocked - before.blocked;
      awake = now.running - before.running;
      forgetIdlePorts();
    });
    runLoop();
    /* Far from each other, since the host may stop the machine in either state. */
    expect(asleep).toBeGreaterThan(250 * MILLISECOND);
    expect(awake).toBeLessThan(asleep / 2);
  });

  test("the control: half a second of looking at the clock is spent awake", () => {
    const before = runstate();
    const end = systemTime() + 500 * MILLISECOND;
    while (systemTime() < end) {}
    const now = runstate();
    expect(now.blocked - before.blocked).toBe(0);
    expect(now.running - before.running).toBeGreaterThan(250 * MILLISECOND);
  });

  watchIdlePorts(idlePorts);
  test("2,000 timers aimed at the moment of going to sleep, none lost", () => {
    const counter = new Counter(2000);
    after(0, counter, nextShortTimer);
    runLoop();
    expect(counter.count).toBe(2000);
  });

  watchIdlePorts(idlePorts);
  test("400 events from another vCPU, at any moment, none lost", () => {
    const counter = takeEvents(400);
    const sender = other!;
    sender.send(port, counter.limit);
    runLoop();
    expect(counter.count).toBe(400);
    expect(sender.wait()).toBeTrue();
    expect(sender.result).toBe(0);
    evtchn.close(port);
  });
}

group("timers", () => {
  test("in order, after what is set before them", () => {
    setTimeout(() => {
      order += "c";
    }, 300);
    setTimeout(() => {
      order += "a";
    }, 100);
    setTimeout(() => {
      order += "b";
    }, 200);
    clearTimeout(
      setTimeout(() => {
        order += "x";
      }, 200),
    );
    runLoop();
    expect(order).toBe("abc");
  });

  test("an interval keeps its pace", () => {
    const counter = new Counter(20);
    const start = systemTime();
    counter.id = every(10, counter, (counter) => {
      if (++counter.count == counter.limit) clearInterval(counter.id);
    });
    runLoop();
    expect(counter.count).toBe(20);
    /* Never early. How late, says only how busy the machine is. */
    expect(systemTime() - start).toBeGreaterThan(200 * MILLISECOND - 1);
  });

  test("with nothing to wait for, the loop ends at once", () => {
    const start = systemTime();
    runLoop();
    expect(systemTime() - start).toBeLessThan(1000 * MILLISECOND);
  });
});

other = Vcpu.start(1);

group("two ports", () => {
  waitsWell(1);
});

group("more ports than SCHEDOP_poll takes", () => {
  waitsWell(200);
});
