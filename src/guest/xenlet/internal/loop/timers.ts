// setTimeout and its kin, as JavaScript has them: globals of every guest (src/host/build/asc/compile.ts). The callbacks run
// in the event loop (loop.ts).

import { Callback, ContextCallback, PlainCallback } from "./callback";
import { useLoop } from "./loop";
import { addTimer, removeTimer } from "./timer-queue";

const NS_PER_MS: f64 = 1e6;
/** What a delay is at most, about 292 years: a deadline has to fit into 64 bits. */
const LONGEST_MS: f64 = 9e12;

/** Calls `fn` in the event loop, once, not before `ms` milliseconds from now; a fraction counts. Returns its id, above 0. */
export function setTimeout(fn: () => void, ms: f64 = 0): i32 {
  return start(new PlainCallback(fn), nanoseconds(ms), 0);
}

/**
 * Calls `fn` every `ms` milliseconds, 1 if that is not positive. The times do not drift, and one that
 * passes while the guest is busy is left out, not made up for. Returns its id, above 0.
 */
export function setInterval(fn: () => void, ms: f64 = 0): i32 {
  return start(new PlainCallback(fn), period(ms), period(ms));
}

/** Cancels a timeout or an interval. An unknown or expired id is ignored. */
export function clearTimeout(id: i32): void {
  removeTimer(id);
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
  return addTimer(callback, delay, period);
}

/** NaN is 0, as in JavaScript. */
function nanoseconds(ms: f64): u64 {
  return ms > 0 ? <u64>(min(ms, LONGEST_MS) * NS_PER_MS) : 0;
}

function period(ms: f64): u64 {
  return max(nanoseconds(ms > 0 ? ms : 1), 1);
}
