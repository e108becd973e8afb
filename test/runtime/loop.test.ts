// The event loop against a model of Xen with virtual time: order, sleep and end.
// Why: a wake-up lost between the last look and the sleep stops a guest permanently, and shows on a real machine once
// in thousands of tries; here Xen comes in at exactly that point. Fails if timers run out of order, if an interval
// drifts or bursts, if the loop spins where it could sleep, if it continues with nothing left to wait for, or if an
// event is slept through.

import { beforeAll, describe, expect, test } from "vitest";

import { FakeEvents, type Hooks } from "./fake-events.js";
import { GuestHung } from "./fake-scheduler.js";
import { prepareGuest } from "./load.js";

const SHUTDOWN_poweroff = 0;

interface RunOptions {
  /** An upcall just before the hypercall keeps it from being made. */
  restarts?: boolean;
  hooks?: (xen: FakeEvents) => Hooks;
}

let start: Awaited<ReturnType<typeof prepareGuest>>;

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/loop.ts");
});

function run(
  commandLine: string,
  { restarts = true, hooks }: RunOptions = {},
): { xen: FakeEvents; said: string[]; count: (call: string) => number } {
  const xen = new FakeEvents(restarts);
  xen.commandLine = commandLine;
  xen.hooks = hooks?.(xen) ?? {};
  expect(start(xen).reason).toBe(SHUTDOWN_poweroff);
  return {
    xen,
    said: xen.records.filter(({ kind }) => kind === "log").map(({ text }) => text),
    count: (call) => xen.calls.filter((name) => name === call).length,
  };
}

const POLL = "sched_op(3)";

describe("timers", () => {
  test("run in order of their deadlines, equal ones as they were set, after the program", () => {
    const { said, count } = run("case=order");
    expect(said).toEqual([
      "main 0",
      ...["zero 0", "negative 0", "nan 0", "fraction 0", "a 10", "nested 13"],
      ...["context 15", "b1 20", "b2 20", "c 30"],
    ]);
    // One sleep for each moment at which something is due: it never spins.
    expect(count(POLL)).toBeLessThanOrEqual(7);
  });

  test("a thousand, a third of them taken back from all over the heap", () => {
    expect(run("case=many").said).toEqual(["ran 666 out of order 0 200"]);
  });

  test("an interval keeps to its grid, and leaves out what it missed", () => {
    const { said } = run("case=interval");
    expect(said).toEqual(["10", "20", "30", "40", "80", "90", "100"].map((at) => `tick ${at}`));
  });

  test("an interval of 0 is one of 1 ms", () => {
    expect(run("case=interval-zero").said).toEqual(["done 20"]);
  });
});

describe("events", () => {
  test.each([2, 128, 129, 300])(
    "of %i ports are waited for by one poll each, of no port",
    (ports) => {
      const asked = new Set<number>();
      const { said, count } = run(`case=ports count=${String(ports)}`, {
        hooks: (xen) => ({
          poll: () => asked.add(xen.load32(xen.pollArgument + 8)),
        }),
      });
      expect(said).toEqual(["timer 5", "event 1 10", "event 2 15"]);
      expect(count(POLL)).toBeLessThanOrEqual(4);
      expect([...asked]).toEqual([0]);
    },
  );

  test("a masked port that is pending keeps nobody awake", () => {
    const { said, count } = run("case=masked");
    expect(said).toEqual(["event 0", "event 50"]);
    expect(count(POLL)).toBeLessThanOrEqual(2);
  });

  test("a storm of events does not keep a timer from running", () => {
    expect(run("case=storm").said).toHaveLength(1);
  });

  test("a port that is always pending does not keep a higher one waiting", () => {
    expect(run("case=fair").said).toEqual(["high 0"]);
  });

  test("a second handler replaces the first", () => {
    expect(run("case=replaced").said).toEqual(["second 1 0"]);
  });

  test("with nothing left to wait for, the program ends", () => {
    const { said, count } = run("case=nothing");
    expect(said).toEqual(["main 0"]);
    expect(count(POLL)).toBe(0);
  });
});

describe("an event between the last look and the sleep ends the sleep", () => {
  /** Raises port 100 once, at the point that `at` names. */
  const once = (at: keyof Hooks) => (xen: FakeEvents) => {
    let done = false;
    return {
      [at]: () => {
        if (!done) xen.raise(100);
        done = true;
      },
    };
  };

  test.each(["beforeSleep", "window"] as const)("raised at: %s", (point) => {
    for (const ports of [100, 200]) {
      const { said } = run(`case=sleep-for-ever count=${String(ports)}`, { hooks: once(point) });
      expect(said).toEqual(["event 100 0"]);
    }
  });

  test("the control: without the restart it is slept through", () => {
    expect(() =>
      run("case=sleep-for-ever count=200", { restarts: false, hooks: once("window") }),
    ).toThrow(GuestHung);
  });

  test("the control: with nothing raised, it sleeps for ever", () => {
    expect(() => run("case=sleep-for-ever count=200")).toThrow(GuestHung);
  });
});
