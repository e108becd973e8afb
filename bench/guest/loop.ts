// The event loop with many timers and many ports: what each costs as their number grows. In instructions, with
// one instruction a nanosecond (--icount).

import { after, checked, evtchn, measure, runLoop, systemTime } from "xenlet";
import { Runstate, runstate } from "xenlet/runstate";
import { rdtsc } from "xenlet/raw/cpu";

class Count {
  value: i32 = 0;
}

const count = new Count();
let random: u32 = 12345;

function nextRandom(below: u32): u32 {
  random = random * 1664525 + 1013904223;
  return (random >> 8) % below;
}

function run(count: Count): void {
  count.value++;
}

/** Sets `n` timers, takes half of them back in another order, sets those again, and lets all run. */
function timers(n: i32): void {
  const ids = new StaticArray<i32>(n);
  count.value = 0;
  let start = rdtsc();
  for (let i = 0; i < n; i++) ids[i] = after(<f64>nextRandom(1000) + 20000, count, run);
  measure("set-of-" + n.toString(), <f64>(rdtsc() - start) / n, "instructions");
  start = rdtsc();
  for (let i = 0; i < n; i += 2) clearTimeout(ids[((i * 7919) % n) & ~1]);
  measure("clear-of-" + n.toString(), <f64>(rdtsc() - start) / (n / 2), "instructions");
  for (let i = 0; i < n; i++) clearTimeout(ids[i]);
  for (let i = 0; i < n; i++) after(<f64>nextRandom(1000) / 1000, count, run);
  /* All of them are due by now, so that nothing but the loop's own work is counted. */
  const due = rdtsc() + 3_000_000;
  while (rdtsc() < due) {}
  start = rdtsc();
  runLoop();
  measure("run-of-" + n.toString(), <f64>(rdtsc() - start) / n, "instructions");
  assert(count.value == n);
}

const EVENTS = 200;
let ports: u32[] = [];
let started: u64 = 0;

/** From sending an event to its handler, EVENTS times, with `n` ports bound. */
function events(n: i32): void {
  count.value = 0;
  ports = [];
  for (let i = 0; i < n; i++) {
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    checked(
      "on",
      evtchn.on(port, count, (count, port) => {
        if (++count.value == EVENTS) {
          measure("event-of-" + ports.length.toString(), <f64>(rdtsc() - started) / EVENTS, "instructions");
          for (let i = 0; i < ports.length; i++) evtchn.close(ports[i]);
        } else {
          evtchn.send(ports[nextRandom(ports.length)]);
        }
      }),
    );
    ports.push(port);
  }
  evtchn.send(ports[0]);
  started = rdtsc();
  runLoop();
  assert(count.value == EVENTS);
}

let asleepFrom: Runstate | null = null;

function wait(count: Count): void {
  if (count.value++ < EVENTS) {
    after(0.2, count, wait);
    return;
  }
  /* In ns, and with one instruction a ns: what was run, Xen's own work on the way in and out included. */
  const running = runstate().running - asleepFrom!.running;
  measure("sleep-with-" + ports.length.toString(), <f64>running / EVENTS, "instructions");
  for (let i = 0; i < ports.length; i++) evtchn.close(ports[i]);
}

/** Sleeps until a timer, EVENTS times, with `n` idle ports: what a wait costs awake. */
function sleeps(n: i32): void {
  count.value = 0;
  ports = [];
  for (let i = 0; i < n; i++) {
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    checked(
      "on",
      evtchn.on(port, count, (count, port) => {}),
    );
    ports.push(port);
  }
  asleepFrom = runstate();
  after(0.2, count, wait);
  runLoop();
}

function readClock(): void {
  const start = rdtsc();
  for (let i = 0; i < 1000; i++) systemTime();
  measure("clock", <f64>(rdtsc() - start) / 1000, "instructions");
}

readClock();
timers(1000);
timers(10000);
timers(100000);
events(1);
events(100);
events(1000);
sleeps(1);
sleeps(4);
sleeps(16);
sleeps(64);
sleeps(128);
sleeps(129);
sleeps(1000);
