// Ends the domain in the way that `end=` on the command line names: one image for every way there is. What it
// says first is what the operations before the last one came to. `mutant` on the command line makes it do
// something else, for the tests' negative controls.

import {
  commandLine,
  commandLineValue,
  describeResult,
  sched,
  SHUTDOWN_crash,
  SHUTDOWN_soft_reset,
  systemTime,
  Watchdog,
  watchdogOp,
} from "xenlet";
import { interrupts_off } from "xenlet/raw/cpu";

const end = commandLineValue("end");
const mutant = (" " + commandLine() + " ").includes(" mutant ");

function say(operation: string, result: i64): void {
  console.log(operation + " " + describeResult(result));
}

function latch(reason: u32): void {
  say("latch " + reason.toString(), sched.shutdownCode(reason));
}

/** Sleeps, with interrupts on; an expired watchdog ends it. */
function sleepSeconds(seconds: u64): void {
  const until = systemTime() + seconds * 1_000_000_000;
  while (systemTime() < until) sched.poll([], until);
}

if (end == "shutdown") {
  const reason = <u32>u64.parse(commandLineValue("reason"));
  sched.shutdown(mutant ? reason ^ 1 : reason);
} else if (end == "latch") {
  // `codes=5,3`: latched one after the other, before a shutdown with `reason`. Commas are QEMU's, so `5+3`.
  const codes = commandLineValue("codes").split("+");
  if (mutant) codes.reverse();
  for (let i = 0; i < codes.length; i++) latch(<u32>u64.parse(codes[i]));
  sched.shutdown(<u32>u64.parse(commandLineValue("reason")));
} else if (end == "remote") {
  // Dom0 by its number: the one domain that it may always end.
  const reason = <u32>u64.parse(commandLineValue("reason"));
  sched.remoteShutdown(0, mutant ? reason ^ 1 : reason);
} else if (end == "remote-latch") {
  if (!mutant) latch(SHUTDOWN_soft_reset);
  sched.remoteShutdown(0, SHUTDOWN_crash);
} else if (end == "watchdog") {
  say("allocate", watchdogOp(0, mutant ? 600 : 1));
  sleepSeconds(3);
} else if (end == "watchdog-at-once") {
  const before = systemTime();
  say("allocate", watchdogOp(0, mutant ? 600 : 0));
  while (systemTime() - before < 500_000_000) {}
} else if (end == "watchdog-latched") {
  if (!mutant) latch(SHUTDOWN_soft_reset);
  say("allocate", watchdogOp(0, 1));
  sleepSeconds(3);
} else if (end == "watchdog-shortened") {
  say("allocate", watchdogOp(0, 600));
  if (!mutant) say("poke", watchdogOp(1, 1));
  sleepSeconds(3);
} else if (end == "watchdog-second") {
  // The first is poked, the second is not: it is the one that fires.
  const first = Watchdog.start(1)!;
  const second = Watchdog.start(1)!;
  for (let i = 0; i < 12; i++) {
    first.poke();
    if (mutant) second.poke();
    const until = systemTime() + 250_000_000;
    while (systemTime() < until) sched.poll([], until);
  }
  Watchdog.stopAll();
} else if (end == "watchdog-asleep") {
  // Not the guest, but Xen keeps the time: it fires for a domain that sleeps permanently.
  say("allocate", watchdogOp(0, mutant ? 600 : 1));
  interrupts_off();
  sched.poll([]);
} else {
  throw new Error("end= names none of the ways: " + end);
}
console.log("still there");
process.exit(9);
