// An event that is sent, and a poll that one wakes: from AssemblyScript, and as short as C can say it, which leaves
// what Xen itself costs.

import { checked, evtchn, measure, sched } from "xenlet";
import { rdtsc } from "xenlet/raw/cpu";

@external("native", "send_loop") declare function send_loop(port: u32, count: u32): u64;
@external("native", "poll_loop") declare function poll_loop(port: u32, count: u32): u64;

const COUNT: u32 = 5000;

/** Each event is an upcall before the next instruction, and is seen by its bit. */
function send(port: u32): u64 {
  const start = rdtsc();
  for (let i: u32 = 0; i < COUNT; i++) {
    evtchn.send(port);
    while (!evtchn.isPending(port)) {}
    evtchn.clear(port);
  }
  return rdtsc() - start;
}

/** The event is there when the poll begins: what it takes to find that out and come back. */
function poll(port: u32): u64 {
  const ports: StaticArray<u32> = [port];
  const start = rdtsc();
  for (let i: u32 = 0; i < COUNT; i++) {
    evtchn.send(port);
    sched.poll(ports);
    evtchn.clear(port);
  }
  return rdtsc() - start;
}

function perEvent(ticks: u64): f64 {
  return <f64>ticks / COUNT;
}

const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
checked("EVTCHNOP_unmask", evtchn.unmask(port));
send_loop(port, 100);
measure("send-raw", perEvent(send_loop(port, COUNT)), "instructions");
measure("send-assemblyscript", perEvent(send(port)), "instructions");
evtchn.mask(port);
poll_loop(port, 100);
measure("poll-raw", perEvent(poll_loop(port, COUNT)), "instructions");
measure("poll-assemblyscript", perEvent(poll(port)), "instructions");
