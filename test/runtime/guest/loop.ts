// Programs for the event loop, one for each `case=` of the command line. Each says what happened, and when in ms.

import { after, checked, commandLineValue, every, evtchn, systemTime } from "xenlet";

let start = systemTime();

function say(text: string): void {
  console.log(text + " " + ((systemTime() - start + 500_000) / 1_000_000).toString());
}

class Task {
  runs: i32 = 0;

  constructor(
    readonly name: string,
    public id: i32 = 0,
  ) {}
}

function busyFor(ms: u64): void {
  const end = systemTime() + ms * 1_000_000;
  while (systemTime() < end) {}
}

function port(): u32 {
  return <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
}

function ignore(task: Task, port: u32): void {
  say(task.name + " " + port.toString());
  if (--remaining == 0) evtchn.reset();
}

let remaining = 0;
let id = 0;
let watched: u32 = 0;

/** `count` ports with a handler each, until `events` of them have come. */
function watch(count: i32, events: i32): void {
  remaining = events;
  for (let i = 0; i < count; i++) checked("on", evtchn.on(port(), new Task("event"), ignore));
}

class Due {
  constructor(
    readonly at: u64,
    readonly index: i32,
  ) {}
}

let seed: u32 = 1;
let ran = 0;
let outOfOrder = 0;
let last: u64 = 0;

function inOrder(due: Due): void {
  ran++;
  // Each was set a little later than its `at` was computed; a ms apart is apart.
  if (due.at + 900_000 < last) outOfOrder++;
  last = due.at;
}

const which = commandLineValue("case");

if (which == "order") {
  setTimeout(() => say("c"), 30);
  setTimeout(() => say("a"), 10);
  setTimeout(() => say("b1"), 20);
  setTimeout(() => say("b2"), 20);
  setTimeout(() => say("zero"));
  setTimeout(() => say("negative"), -5);
  setTimeout(() => say("nan"), NaN);
  setTimeout(() => say("fraction"), 0.25);
  after(15, new Task("context"), (task) => say(task.name));
  id = setTimeout(() => say("never"), 25);
  setTimeout(() => {
    clearTimeout(id);
    clearTimeout(id);
    clearTimeout(12345);
    clearTimeout(-1);
    setTimeout(() => say("nested"), 1);
  }, 12);
  say("main");
} else if (which == "interval") {
  // Its fourth run takes three periods and a half: what is missed is left out, and the times stay on their grid.
  every(10, new Task("tick"), (task) => {
    say(task.name);
    if (++task.runs == 4) busyFor(35);
    if (task.runs == 7) clearInterval(task.id == 0 ? 1 : task.id);
  });
} else if (which == "interval-zero") {
  const task = new Task("tick");
  task.id = every(0, task, (task) => {
    if (++task.runs == 20) {
      clearInterval(task.id);
      say("done");
    }
  });
} else if (which == "ports") {
  const count = i32.parse(commandLineValue("count"));
  watch(count, 2);
  start = systemTime();
  setTimeout(() => say("timer"), 5);
  setTimeout(() => checked("send", evtchn.send(1)), 10);
  setTimeout(() => checked("send", evtchn.send(2)), 15);
} else if (which == "sleep-for-ever") {
  watch(i32.parse(commandLineValue("count")), 1);
} else if (which == "masked") {
  // Masks itself, is raised again while masked, and is let through 50 ms later.
  watched = port();
  evtchn.on(watched, new Task("event"), (task, port) => {
    say(task.name);
    if (++task.runs == 2) {
      evtchn.close(port);
      return;
    }
    evtchn.mask(port);
    evtchn.send(port);
    setTimeout(() => checked("unmask", evtchn.unmask(watched)), 50);
  });
  evtchn.send(watched);
} else if (which == "storm") {
  watched = port();
  evtchn.on(watched, new Task("storm"), (task, port) => {
    evtchn.send(port);
  });
  evtchn.send(watched);
  setTimeout(() => {
    say("timer");
    evtchn.off(watched);
  }, 3);
} else if (which == "fair") {
  // The lower port is always pending again; the higher one must get its turn.
  watched = port();
  const higher = port();
  evtchn.on(watched, new Task("low"), (task, port) => {
    task.runs++;
    evtchn.send(port);
  });
  evtchn.on(higher, new Task("high"), (task, port) => {
    say(task.name);
    evtchn.reset();
  });
  evtchn.send(watched);
  evtchn.send(higher);
} else if (which == "nothing") {
  setTimeout(() => {}, 5);
  clearTimeout(1);
  watched = port();
  evtchn.on(watched, new Task("event"), ignore);
  evtchn.on(watched, new Task("event"), ignore); // replaces the first
  evtchn.off(watched);
  say("main");
} else if (which == "many") {
  // A thousand at random times, a third taken back in another order, from wherever they are in the heap.
  const ids: i32[] = [];
  for (let i = 0; i < 1000; i++) {
    seed = seed * 1664525 + 1013904223;
    const ms = 10 + <f64>((seed >> 8) % 100);
    ids.push(after(ms, new Due(systemTime() + <u64>ms * 1_000_000, i), inOrder));
  }
  for (let i = 0; i < 1000; i += 3) clearTimeout(ids[(i * 7) % 1000]);
  setTimeout(() => say("ran " + ran.toString() + " out of order " + outOfOrder.toString()), 200);
} else if (which == "replaced") {
  watched = port();
  evtchn.on(watched, new Task("first"), ignore);
  evtchn.on(watched, new Task("second"), ignore);
  remaining = 1;
  evtchn.send(watched);
}
