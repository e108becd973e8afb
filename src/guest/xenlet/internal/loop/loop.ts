// The event loop: what runs after the program's last statement, for as long as a timer is set or a port has a
// handler. In each turn the events that came are handled, then the timers that are due run; then the vCPU sleeps
// in Xen until the next of either.
//
// The sleep is one SCHEDOP_poll with the next deadline as its timeout and without any port: Xen ends a poll for
// every upcall, and an upcall since the last check keeps it from starting (sleep_unless_upcall). So it
// costs the same for any number of ports. A list of ports would have Xen copy each from guest memory at each
// sleep, could name 128 at most, and would miss an event whose port is not in it: that one's pending bit is set
// already, and Xen wakes a poller only when a bit is being set (evtchn_check_pollers, xen/common/event_channel.c).

import { checked } from "../../raw/hypercall";
import { sleep_unless_upcall } from "../intrinsics";
import { SCHEDOP_poll, sched_poll } from "../../raw/abi/sched";
import { abi } from "../events/abi-in-use";
import { handledPorts, runEventHandler } from "./event-handlers";
import { nextDeadline, runDueTimers, timerCount } from "./timer-queue";
import { onEnd } from "../start/runtime";
import { systemTime } from "../time/time";

/** Events handled in one turn, at most: timers shall not wait for a storm of events to end. */
const EVENTS_PER_TURN = 1024;

@lazy const pollArgument = changetype<sched_poll>(memory.data(offsetof<sched_poll>(), 8));

let running = false;

/** Lets the loop run after the program's last statement. A program that never calls this is not linked with one. */
export function useLoop(): void {
  onEnd(runLoop);
}

/**
 * Runs the event loop now, until no timer is set and no port has a handler. It does so by itself after the
 * program's last statement; not to be called from a callback.
 */
export function runLoop(): void {
  assert(!running, "runLoop() inside a callback of the event loop");
  running = true;
  while (true) {
    const moreEvents = handleEvents() == EVENTS_PER_TURN;
    const now = runDueTimersNow();
    if (timerCount() == 0 && handledPorts() == 0) break;
    if (!moreEvents && nextDeadline() > now) sleep(nextDeadline());
  }
  running = false;
}

/**
 * For a program with a loop of its own: runs the handlers of the events that came and the timers that are due, or,
 * with neither there, sleeps until one is or until Xen system time `deadline` (ns; u64.MAX_VALUE: none). Any event
 * ends the sleep, one without a handler as well. Not to be called from a callback.
 */
export function waitForEvents(deadline: u64 = u64.MAX_VALUE): void {
  const handled = handleEvents();
  const now = runDueTimersNow(deadline);
  const next = min(nextDeadline(), deadline);
  if (handled > 0 || next <= now) return;
  sleep(next);
  handleEvents();
}

/**
 * Returns what time it was. The clock may cost an exit to Xen: it is read once per iteration, and only if something waits
 * for it. A deadline that passes meanwhile ends the sleep at once.
 */
function runDueTimersNow(deadline: u64 = u64.MAX_VALUE): u64 {
  const now = timerCount() > 0 || deadline != u64.MAX_VALUE ? systemTime() : 0;
  runDueTimers(now);
  return now;
}

/** Returns how many there were; with EVENTS_PER_TURN there may be more. */
function handleEvents(): i32 {
  for (let handled = 0; handled < EVENTS_PER_TURN; handled++) {
    const port = abi().scan();
    if (port == 0) return handled;
    runEventHandler(port);
  }
  return EVENTS_PER_TURN;
}

function sleep(deadline: u64): void {
  pollArgument.ports = 0;
  pollArgument.nr_ports = 0;
  pollArgument.timeout = deadline == u64.MAX_VALUE ? 0 : deadline;
  checked("SCHEDOP_poll", sleep_unless_upcall(SCHEDOP_poll, changetype<usize>(pollArgument)));
}
