// The runtime's calls as exports, for the tests beside this file. A guest without statements of its own: it
// attaches and ends at once, and its exports are called after that.

import {
  checked,
  commandLineValue,
  describeResult,
  evtchn,
  sched,
  systemTime,
  timer,
  wallClock,
} from "xenlet";
import { scale } from "xenlet/internal/time/time";

export function poll_(port: u32, deadline: u64): i64 {
  return sched.poll([port], deadline);
}

export function pollMany(count: i32): i64 {
  return sched.poll(new StaticArray<u32>(count), 0);
}

export function yield_(): i64 {
  return sched.yield();
}

export function block_(): i64 {
  return sched.block();
}

export function scan(): u32 {
  return evtchn.scan();
}

export function unmask(port: u32): i64 {
  return evtchn.unmask(port);
}

export function bindVirq(virq: u32): i64 {
  return evtchn.bindVirq(virq);
}

export function systemTime_(): u64 {
  return systemTime();
}

export function wallClock_(): u64 {
  return wallClock();
}

export function scale_(delta: u64, multiplier: u32): u64 {
  return scale(delta, multiplier);
}

export function setTimer(deadline: u64): i64 {
  return timer.set(deadline);
}

export function checkedFailure(): void {
  checked("EVTCHNOP_send(7)", -22);
}

export function logLine(): void {
  console.log("hällo " + String.fromCodePoint(0x1f600));
}

export function sayResults(): void {
  console.log(describeResult(0) + " " + describeResult(-28) + " " + describeResult(-4000));
}

export function sayArgument(): void {
  console.log(commandLineValue("key", "absent"));
}

export function exit_(code: i32): void {
  process.exit(code);
}
