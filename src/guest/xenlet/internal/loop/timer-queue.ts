// The timers that are set, by when they are due. The event loop (loop.ts) runs them; a program sets them by timers.ts.

import { Callback } from "./callback";
import { systemTime } from "../time/time";
import { Timer, TimerHeap } from "./timer-heap";

@lazy const heap: TimerHeap = new TimerHeap();
@lazy const byId: Map<i32, Timer> = new Map();
let lastId: i32 = 0;

/** Sets a timer, `delay` ns from now, then every `period` ns if that is not 0. Returns its id, above 0. */
export function addTimer(callback: Callback, delay: u64, period: u64): i32 {
  do lastId = lastId == i32.MAX_VALUE ? 1 : lastId + 1;
  while (byId.has(lastId));
  const timer = new Timer(lastId, systemTime() + delay, period, callback);
  byId.set(timer.id, timer);
  heap.add(timer);
  return timer.id;
}

/** An unknown or expired id is ignored. */
export function removeTimer(id: i32): void {
  if (!byId.has(id)) return;
  const timer = byId.get(id);
  byId.delete(id);
  /* An interval is in no heap while its own callback runs. */
  if (timer.index >= 0) heap.remove(timer);
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
