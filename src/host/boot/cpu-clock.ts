/**
 * The time that a process was given: a clock that stands while it waits for a CPU that others have. A deadline by the
 * wall clock would blame a guest for the machine's load; one by CPU time alone would never end a guest that sleeps.
 *
 * Linux counts both for each thread (/proc/PID/task/TID/schedstat: ns on a CPU, ns runnable but waiting for one). In an
 * interval the process lost at most the sum of what its threads waited, and was given at least what the busiest one ran.
 */
import { readFileSync, readdirSync } from "node:fs";

export interface Clock {
  /** ms since it was made; never goes back. */
  now(): number;
}

export const wallClock: Clock = {
  now() {
    return performance.now();
  },
};

interface ThreadTimes {
  ranMs: number;
  waitedMs: number;
}

/** Of each thread by its id; null if the kernel does not report it, or the process has ended. */
export type ReadThreads = () => Map<string, ThreadTimes> | null;

function readThreadsOf(pid: number): ReadThreads {
  const folder = `/proc/${pid}/task`;
  return () => {
    const threads = new Map<string, ThreadTimes>();
    try {
      for (const id of readdirSync(folder)) {
        // A thread may end between the two.
        const [ran = "", waited = ""] = readFileSync(`${folder}/${id}/schedstat`, "latin1").split(
          " ",
        );
        threads.set(id, { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 });
      }
    } catch {
      return threads.size > 0 ? threads : null;
    }
    return threads;
  };
}

const NONE: ThreadTimes = { ranMs: 0, waitedMs: 0 };

export class CpuClock implements Clock {
  #given = 0;
  #wall: number;
  #threads: Map<string, ThreadTimes>;

  constructor(
    private readonly read: ReadThreads,
    private readonly wall: Clock = wallClock,
  ) {
    this.#wall = wall.now();
    this.#threads = read() ?? new Map<string, ThreadTimes>();
  }

  static ofProcess(pid: number): CpuClock {
    return new CpuClock(readThreadsOf(pid));
  }

  /** What its busiest thread has run so far, in ms; 0 where the kernel does not tell. */
  get usedMs(): number {
    return Math.max(0, ...[...(this.read()?.values() ?? [])].map(({ ranMs }) => ranMs));
  }

  now(): number {
    const wall = this.wall.now();
    const passed = wall - this.#wall;
    const threads = this.read();
    this.#wall = wall;
    if (threads === null) {
      this.#given += passed;
      return this.#given;
    }
    let busiest = 0;
    let waited = 0;
    for (const [id, now] of threads) {
      const before = this.#threads.get(id) ?? NONE;
      busiest = Math.max(busiest, now.ranMs - before.ranMs);
      waited += Math.max(0, now.waitedMs - before.waitedMs);
    }
    this.#threads = threads;
    this.#given += Math.min(passed, Math.max(busiest, passed - waited, 0));
    return this.#given;
  }
}
