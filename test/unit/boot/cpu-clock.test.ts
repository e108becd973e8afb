/**
 * The clock that deadlines count by: the time that QEMU was given. Why it matters: a deadline by the wall clock blames a
 * guest for what else the machine does, one by CPU time alone never ends a guest that sleeps. How it would fail: a guest
 * that is kept from running loses its time, or one that hangs never loses any.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { CpuClock, type ReadThreads } from "../../../src/host/boot/cpu-clock.js";

/** Threads that the test moves, and its wall clock. */
class Machine {
  wall = 0;
  threads: Map<string, { ranMs: number; waitedMs: number }> | null = new Map();
  readonly read: ReadThreads = () =>
    this.threads && new Map([...this.threads].map(([id, times]) => [id, { ...times }]));
  readonly clock = new CpuClock(this.read, { now: () => this.wall });

  pass(wallMs: number, ...threads: [id: string, ranMs: number, waitedMs: number][]): number {
    this.wall += wallMs;
    for (const [id, ranMs, waitedMs] of threads) {
      const before = this.threads?.get(id) ?? { ranMs: 0, waitedMs: 0 };
      this.threads?.set(id, {
        ranMs: before.ranMs + ranMs,
        waitedMs: before.waitedMs + waitedMs,
      });
    }
    return this.clock.now();
  }
}

describe("time goes on", () => {
  test("for a guest that sleeps, whatever the machine does", () => {
    expect(new Machine().pass(1000, ["cpu0", 1, 2], ["main", 1, 1])).toBeCloseTo(997);
  });

  test("for one that computes, as far as it gets a CPU", () => {
    const machine = new Machine();
    expect(machine.pass(1000, ["cpu0", 1000, 0])).toBe(1000);
    expect(machine.pass(1000, ["cpu0", 200, 800])).toBe(1200);
  });

  test("not for one that is kept waiting, and never back", () => {
    const machine = new Machine();
    expect(machine.pass(1000, ["cpu0", 0, 1000])).toBe(0);
    expect(machine.pass(1000, ["cpu0", 100, 900], ["cpu1", 50, 950], ["main", 0, 900])).toBe(100);
  });

  test("no faster than the wall clock, with two CPUs at work", () => {
    expect(new Machine().pass(1000, ["cpu0", 1000, 0], ["cpu1", 1000, 0])).toBe(1000);
  });

  test("by the wall clock where the kernel does not tell", () => {
    const machine = new Machine();
    machine.threads = null;
    expect(machine.pass(1000)).toBe(1000);
  });

  test("for a thread that ended, and one that began", () => {
    const machine = new Machine();
    machine.pass(10, ["cpu0", 10, 0]);
    machine.threads?.delete("cpu0");
    expect(machine.pass(10, ["cpu1", 5, 5])).toBe(15);
  });
});

test("a real process that is stopped is not starved: its time goes on", async () => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  try {
    await once(child, "spawn");
    const clock = CpuClock.ofProcess(child.pid ?? 0);
    child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(clock.now()).toBeGreaterThan(50);
  } finally {
    child.kill("SIGKILL");
  }
});
