/**
 * Deadlines, by a clock that the test turns. Why it matters: without them a dead
 * guest hangs a test suite; with wrong ones a busy machine fails it. How it would
 * fail: one deadline for all, or a timer that continues after the end.
 */
import { describe, expect, test } from "vitest";
import {
  MAX_TIMEOUT_MS,
  STAGES,
  StageTimer,
  deadlinesFor,
  describeMissed,
  type Deadlines,
  type Stage,
  type Timers,
} from "../../../src/host/boot/stages.js";

class Clock implements Timers {
  #now = 0;
  #next = 1;
  readonly #pending = new Map<number, { at: number; callback: () => void }>();

  setTimeout(callback: () => void, ms: number): unknown {
    const id = this.#next++;
    this.#pending.set(id, { at: this.#now + ms, callback });
    return id;
  }
  clearTimeout(timer: unknown): void {
    this.#pending.delete(timer as number);
  }
  advance(ms: number): void {
    this.#now += ms;
    for (const [id, { at, callback }] of this.#pending)
      if (at <= this.#now && this.#pending.delete(id)) callback();
  }
  now(): number {
    return this.#now;
  }
  get armed(): number {
    return this.#pending.size;
  }
}

const DEADLINES: Deadlines = {
  qemu: 10,
  xen: 20,
  dom0: 22,
  "xl-create": 24,
  toolstack: 25,
  entered: 30,
  runtime: 40,
  verdict: 50,
};

function start(deadlines: Deadlines | null = DEADLINES) {
  const clock = new Clock();
  const missed: [Stage, number][] = [];
  const timer = new StageTimer(deadlines, (stage, ms) => missed.push([stage, ms]), clock);
  return { clock, timer, missed };
}

describe("a stage's deadline", () => {
  test.each(STAGES.map((stage, index) => [stage, index] as const))(
    "%s: is its own",
    (stage, index) => {
      const { clock, timer, missed } = start();
      for (const reached of STAGES.slice(1, index + 1)) {
        clock.advance(9);
        timer.reach(reached);
      }
      clock.advance(DEADLINES[stage] - 1);
      expect(missed).toEqual([]);
      clock.advance(1);
      expect(missed).toEqual([[stage, DEADLINES[stage]]]);
      clock.advance(1000);
      expect(missed).toHaveLength(1);
      expect(clock.armed).toBe(0);
    },
  );

  test("is not put off by a stage that was reached before", () => {
    const { clock, timer, missed } = start();
    timer.reach("entered");
    clock.advance(20);
    timer.reach("xen");
    timer.reach("entered");
    expect(timer.stage).toBe("entered");
    clock.advance(10);
    expect(missed).toEqual([["entered", 30]]);
  });

  test("is not missed after the end", () => {
    const { clock, timer, missed } = start();
    timer.stop();
    timer.reach("xen");
    clock.advance(1000);
    expect(missed).toEqual([]);
    expect(clock.armed).toBe(0);
  });

  test("counts what QEMU was given, and says how long that took", () => {
    const clock = new Clock();
    const missed: [Stage, number, number][] = [];
    const timer = new StageTimer(DEADLINES, (...what) => missed.push(what), clock);
    let given = 0;
    timer.useClock({ now: () => given });
    timer.reach("entered");
    // A tenth of the CPU that it asks for.
    for (let turn = 0; turn < 280; turn++) {
      given += 0.1;
      clock.advance(1);
    }
    expect(missed).toEqual([]);
    given += 2;
    for (let turn = 0; turn < 5; turn++) clock.advance(1);
    expect(missed).toEqual([["entered", 30, expect.any(Number)]]);
    expect(missed[0]?.[2]).toBeGreaterThanOrEqual(280);
  });

  test("does not exist for somebody at a debugger", () => {
    const { clock, timer, missed } = start(null);
    timer.reach("runtime");
    clock.advance(MAX_TIMEOUT_MS);
    expect(missed).toEqual([]);
  });

  test("beyond what Node's timers know is the longest they know, not 1 ms", () => {
    const { clock, missed } = start({ ...DEADLINES, qemu: 1e12 });
    clock.advance(MAX_TIMEOUT_MS - 1);
    expect(missed).toEqual([]);
  });
});

test("a short timeout is meant for the guest: QEMU and Xen keep the time they need", () => {
  expect(deadlinesFor(500)).toMatchObject({ entered: 500, runtime: 500 });
  expect(deadlinesFor(500).qemu).toBeGreaterThanOrEqual(10_000);
  expect(deadlinesFor(500).xen).toBeGreaterThanOrEqual(20_000);
  const long = deadlinesFor(600_000);
  expect(Math.min(long.qemu, long.xen, long.entered, long.runtime)).toBe(600_000);
});

test("what was missed is told by what was reached", () => {
  const nothing = { handedOver: false, hasToolstack: false };
  const dom0 = { handedOver: true, hasToolstack: false };
  const domu = { handedOver: true, hasToolstack: true };
  expect(describeMissed("qemu", 10_000, 10_000, nothing)).toMatch(/no banner within 10 s/);
  expect(describeMissed("xen", 20_000, 20_000, nothing)).toMatch(/did not reach the guest/);
  expect(describeMissed("xen", 20_000, 20_500, domu)).toMatch(
    /the toolstack, but it printed nothing/,
  );
  expect(describeMissed("toolstack", 20_000, 20_000, domu)).toMatch(
    /created no domain within 20 s/,
  );
  expect(describeMissed("entered", 250, 251, dom0)).toMatch(
    /the guest printed nothing within 250 ms/,
  );
  expect(describeMissed("runtime", 1500, 1502, dom0)).toMatch(/reported no result within 1.5 s/);
  expect(describeMissed("runtime", 60_000, 312_000, dom0)).toMatch(
    /reported no result within 60 s of its own \(312 s of wall-clock time: QEMU waited for a CPU for 252 s\)/,
  );
  expect(describeMissed("verdict", 5000, 5000, dom0)).toMatch(/did not end/);
});
