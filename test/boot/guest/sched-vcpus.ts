// Two vCPUs on one CPU: what a yield of the one gives to the other. `mutant` on the command line: no yield.
// Prints, of so many rounds, in how many the other vCPU stood still while this one computed, and in how many it
// ran during the yield; and what a yield takes with and without another vCPU that wants the CPU.

import { Vcpu, commandLine, measure, sched, systemTime } from "xenlet";

const ROUNDS = 200;
/** Less than a scheduler's slice (1 ms at least), more than a hypercall. */
const COMPUTE: u64 = 50_000;
const mutant = (" " + commandLine() + " ").includes(" mutant ");

function yieldTime(): f64 {
  const start = systemTime();
  for (let i = 0; i < ROUNDS; i++) sched.yield();
  return <f64>(systemTime() - start) / ROUNDS;
}

const other = Vcpu.start(1);
measure("yield, nobody waits", yieldTime(), "ns");

// For longer than the rounds take; the guest's end ends it.
other.spin(1 << 40);
while (other.progress == 0) sched.yield();

let stoodStill = 0;
let ran = 0;
let results: i64 = 0;
for (let round = 0; round < ROUNDS; round++) {
  const before = other.progress;
  const until = systemTime() + COMPUTE;
  while (systemTime() < until) {}
  const computed = other.progress;
  if (!mutant) results |= sched.yield();
  if (computed == before) stoodStill++;
  if (other.progress != computed) ran++;
}
console.log("rounds " + ROUNDS.toString());
console.log("stood still " + stoodStill.toString());
console.log("ran " + ran.toString());
console.log("results " + results.toString());
measure("yield, another waits", yieldTime(), "ns");
