// The story that `make demo` tells: what a guest does with Xen's scheduler, each step with Xen's answer.
// `break=event` on the command line leaves the event out, and the story must end otherwise.

import {
  VIRQ_TIMER,
  PollWake,
  checked,
  commandLineValue,
  describeResult,
  evtchn,
  sched,
  step,
  systemTime,
  timer,
} from "xenlet";

const MILLISECOND: u64 = 1_000_000;
const broken = commandLineValue("break") == "event";

function milliseconds(ns: u64): string {
  return (<f64>(ns / 1000) / 1000).toString() + " ms";
}

function fail(what: string): void {
  step("FAILED: " + what);
  process.exit(1);
}

step(
  "entered by PVH, in long mode, with " +
    (memory.size() * 64).toString() +
    " KiB of linear memory at address 0",
);
step("hypercalls ready, shared_info mapped: Xen system time is " + milliseconds(systemTime()));

step("SCHEDOP_yield = " + describeResult(sched.yield()));

const asked = 20 * MILLISECOND;
const start = systemTime();
const slept = sched.poll([], start + asked);
step(
  "SCHEDOP_poll with a deadline: asked for " +
    milliseconds(asked) +
    ", slept " +
    milliseconds(systemTime() - start),
);
if (slept != PollWake.DEADLINE) fail("the poll was to end by its deadline");

const port = <u32>checked("EVTCHNOP_bind_virq(VIRQ_TIMER)", evtchn.bindVirq(VIRQ_TIMER));
step("EVTCHNOP_bind_virq(VIRQ_TIMER) = port " + port.toString());

/** Arms the timer whose event the next call waits for. */
function arm(): u64 {
  evtchn.clear(port);
  const now = systemTime();
  if (!broken) checked("VCPUOP_set_singleshot_timer", timer.set(now + 5 * MILLISECOND));
  return now;
}

let armed = arm();
const woken = sched.poll([port], armed + 500 * MILLISECOND);
step("SCHEDOP_poll on port " + port.toString() + ": woken after " + milliseconds(systemTime() - armed));
if (woken != PollWake.EVENT) fail("the poll was to end by the timer's event");

checked("EVTCHNOP_unmask", evtchn.unmask(port));
armed = arm();
let found: u32 = 0;
while ((found = evtchn.scan()) == 0) checked("SCHEDOP_block", sched.block());
step("SCHEDOP_block: woken after " + milliseconds(systemTime() - armed) + " by port " + found.toString());
if (found != port) fail("another port than the timer's was pending");

step("EVTCHNOP_close = " + describeResult(evtchn.close(port)));
step("SCHEDOP_shutdown(SHUTDOWN_poweroff)");
process.exit(0);
