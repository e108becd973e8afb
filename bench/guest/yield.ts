// SCHEDOP_yield from AssemblyScript against a raw assembly loop around the same hypercall, and the loops empty.

import { measure, sched } from "xenlet";
import { rdtsc } from "xenlet/raw/cpu";

@external("native", "yield_loop") declare function yield_loop(count: u32): u64;

const COUNT: u32 = 10000;

function perCall(ticks: u64): f64 {
  return <f64>ticks / COUNT;
}

function yieldFromAssemblyScript(): u64 {
  const start = rdtsc();
  for (let i: u32 = 0; i < COUNT; i++) sched.yield();
  return rdtsc() - start;
}

yield_loop(100);
const raw = perCall(yield_loop(COUNT));
const typed = perCall(yieldFromAssemblyScript());
measure("yield-raw", raw, "instructions");
measure("yield-assemblyscript", typed, "instructions");
measure("yield-difference", typed - raw, "instructions");
