// setTimeout and its kin, as JavaScript has them: globals of every guest (src/host/build/asc/compile.ts). The callbacks run
// in the event loop (loop.ts).

import { Callback, ContextCallback, PlainCallback } from "./callback";
import { useLoop } from "./loop";
import { systemTime } from "../time/time";
import { Timer, TimerHeap } from "./timer-heap";

const NS_PER_MS: f64 = 1e6;
/** What a delay is at most, about 292 years: a deadline has to fit into 64 bits. */
const LONGEST_MS: f64 = 9e12;

@lazy const heap: TimerHeap = new TimerHeap();
@lazy const byId: Map<i32, Timer> = new Map();
let lastId: i32 = 0;

/** Calls `fn` in the event loop, once, not before `ms` milliseconds from now; a fraction counts. Returns its id, above 0. */
export function setTimeout(fn: () => void, ms: f64 = 0): i32 {
  return start(new PlainCallback(fn), nanoseconds(ms), 0);
}

/**
 * Calls `fn` every `ms` milliseconds, 1 where that is no positive number. The times do not drift, and one that
 * passes while the guest is busy is left out, not made up for. Returns its id, above 0.
 */
export function setInterval(fn: () => void, ms: f64 = 0): i32 {
  return start(new PlainCallback(fn), period(ms), period(ms));
}

/** Takes back a timeout or an interval. An id that is none, or not any more, is ignored. */
export function clearTimeout(id: i32): void {
  if (!byId.has(id)) return;
  const timer = byId.get(id);
  byId.delete(id);
  /* An interval is in no heap while its own callback runs. */
  if (timer.index >= 0) heap.remove(timer);
}

/** clearTimeout() by its other name. */
export function clearInterval(id: i32): void {
  clearTimeout(id);
}

/** setTimeout() with a context for `fn`: what a closure would have caught. */
export function after<T>(ms: f64, context: T, fn: (context: T) => void): i32 {
  return start(new ContextCallback<T>(context, fn), nanoseconds(ms), 0);
}

/** setInterval() with a context for `fn`. */
export function every<T>(ms: f64, context: T, fn: (context: T) => void): i32 {
  return start(new ContextCallback<T>(context, fn), period(ms), period(ms));
}

function start(callback: Callback, delay: u64, period: u64): i32 {
  useLoop();
  do lastId = lastId == i32.MAX_VALUE ? 1 : lastId + 1;
  while (byId.has(lastId));
  const timer = new Timer(lastId, systemTime() + delay, period, callback);
  byId.set(timer.id, timer);
  heap.add(timer);
  return timer.id;
}

/** NaN is 0, as in JavaScript. */
function nanoseconds(ms: f64): u64 {
  return ms > 0 ? <u64>(min(ms, LONGEST_MS) * NS_PER_MS) : 0;
}

function period(ms: f64): u64 {
  return max(nanoseconds(ms > 0 ? ms : 1), 1);
}

/** How many timers there are. */
export function timerCount(): i32 {
  return heap.length;
}

/** When the first one is due, in Xen system time; u64.MAX_VALUE if there is none. */
export function nextDeadline(): u64 {
  return heap.length > 0 ? heap.first.deadline : u64.MAX_VALUE;
}

/** Runs what is due at `now`. A timer that is set meanwhile waits for the next turn, so that events get theirs. */
export function runDueTimers(now: u64): void {
  while (heap.length > 0) {
    const timer = heap.first;
    if (timer.deadline > now) break;
    heap.remove(timer);
    if (timer.period == 0) byId.delete(timer.id);
    timer.callback.run();
    if (timer.period != 0 && byId.has(timer.id)) {
      const missed = (systemTime() - timer.deadline) / timer.period;
      timer.deadline += (missed + 1) * timer.period;
      heap.add(timer);
    }
  }
}
