/**
 * The stages of a boot, each with a deadline of its own, so that a boot that
 * stops says how far it came.
 */
import { wallClock, type Clock } from "./cpu-clock.js";
import { formatMs } from "../base/text.js";

/** In order. A stage is reached, and then the next one has its time to be. */
export const STAGES = [
  "qemu",
  "xen",
  "dom0",
  "xl-create",
  "toolstack",
  "entered",
  "runtime",
  "verdict",
] as const;
/**
 * The last stage reached: QEMU runs; Xen printed its banner; dom0's Linux runs, and then xl creates the guest's domain
 * (under xl); the toolstack that makes the guest's domain runs (under our own); the guest's domain was let run, or its
 * boot code had trouble to tell; the guest's own code runs; the guest said its exit code.
 */
export type Stage = (typeof STAGES)[number];

/** Milliseconds that QEMU is given from a stage to the next one, or from the verdict to the domain's end. */
export type Deadlines = Record<Stage, number>;

export const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Deadlines for a guest that has `timeoutMs` for its own code. What is not the
 * guest's doing (QEMU's and Xen's start, 1 s together under TCG) gets as much, and
 * never less than a busy machine may need: a short timeout is meant for the guest.
 */
export function deadlinesFor(timeoutMs: number, underXl = false): Deadlines {
  return {
    qemu: Math.max(timeoutMs, 10_000),
    // A dom0's Linux takes 4 s to come up.
    xen: Math.max(timeoutMs, underXl ? 60_000 : 20_000),
    dom0: Math.max(timeoutMs, 30_000),
    "xl-create": Math.max(timeoutMs, 30_000),
    toolstack: Math.max(timeoutMs, 20_000),
    entered: timeoutMs,
    runtime: timeoutMs,
    verdict: Math.max(timeoutMs / 4, 5_000),
  };
}

/** What is known of a boot that stopped at stage `xen`. */
interface Progress {
  /** Xen has done all it does before its first domain runs. */
  handedOver: boolean;
  /** That domain is the toolstack. */
  hasToolstack: boolean;
}

/** What did not come in time, as a sentence's part: "…: no banner of Xen …". */
export function describeMissed(
  stage: Stage,
  deadlineMs: number,
  wallMs: number,
  progress: Progress,
): string {
  const within = `within ${formatMs(deadlineMs)}${describeStarvation(deadlineMs, wallMs)}`;
  const first = progress.hasToolstack ? "the toolstack" : "the guest";
  switch (stage) {
    case "qemu":
      return `QEMU started, but Xen printed no banner ${within}`;
    case "xen":
      return progress.handedOver
        ? `Xen started ${first}, but it printed nothing ${within}`
        : `Xen started, but did not reach ${first} ${within}`;
    case "dom0":
      return `dom0's Linux ran, but xenstored, xenconsoled or another service that xl needs did not start ${within}`;
    case "xl-create":
      return `xl create was called, but the guest printed nothing ${within}`;
    case "toolstack":
      return `the toolstack ran, but created no domain ${within}`;
    case "entered":
      return `the guest's domain ran, but the guest printed nothing ${within}`;
    case "runtime":
      return `the guest ran, but reported no result ${within}`;
    case "verdict":
      return `the guest reported its exit code, but its domain did not end ${within}`;
  }
}

/** What a busy machine adds to that: deadlines count the time that QEMU was given (cpu-clock.ts). Empty where it was given all. */
export function describeStarvation(deadlineMs: number, wallMs: number): string {
  const waitedMs = wallMs - deadlineMs;
  if (waitedMs < 1000 || waitedMs < deadlineMs / 10) return "";
  return ` of its own (${formatMs(wallMs)} of wall-clock time: QEMU waited for a CPU for ${formatMs(waitedMs)})`;
}

/** The part of the global timers that a Deadline uses, and their clock. */
export interface Timers extends Clock {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

const realTimers: Timers = {
  now: () => wallClock.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};

/** Longest delay that Node's timers know; they take a longer one for 1 ms. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** One limit at a time, counted by a clock that may go slower than the timers' own. */
export class Deadline {
  #timer: unknown = null;

  /** `onMissed` receives the limit, and how long it took by the timers' clock. */
  constructor(
    private readonly onMissed: (ms: number, wallMs: number) => void,
    private readonly timers: Timers = realTimers,
    private clock: Clock = timers,
  ) {}

  /** For limits that are set from now on. */
  useClock(clock: Clock): void {
    this.clock = clock;
  }

  /** `ms` from now, in place of the one before. */
  set(ms: number): void {
    this.clear();
    const limit = Math.min(ms, MAX_TIMEOUT_MS);
    const began = this.clock.now();
    const wallBegan = this.timers.now();
    const wait = (left: number): void => {
      this.#timer = this.timers.setTimeout(() => {
        const left = limit - (this.clock.now() - began);
        // Less than a timer can tell apart.
        if (left >= 1) wait(left);
        else this.onMissed(limit, this.timers.now() - wallBegan);
      }, left);
    };
    wait(limit);
  }

  clear(): void {
    this.timers.clearTimeout(this.#timer);
  }
}

/** Watches over one boot. Starts at stage "qemu"; stages only go forward. */
export class StageTimer {
  #stage: Stage = "qemu";
  #stopped = false;
  readonly #deadline: Deadline;

  /** `deadlines` null: wait for ever (a debugger is attached). */
  constructor(
    private readonly deadlines: Deadlines | null,
    onMissed: (stage: Stage, deadlineMs: number, wallMs: number) => void,
    timers: Timers = realTimers,
  ) {
    this.#deadline = new Deadline((ms, wallMs) => {
      this.stop();
      onMissed(this.#stage, ms, wallMs);
    }, timers);
    this.#arm();
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Deadlines count by this clock from now on, and the present stage's starts again. */
  useClock(clock: Clock): void {
    this.#deadline.useClock(clock);
    this.#arm();
  }

  reach(stage: Stage): void {
    if (STAGES.indexOf(stage) <= STAGES.indexOf(this.#stage)) return;
    this.#stage = stage;
    this.#arm();
  }

  /** No deadline is missed after this. */
  stop(): void {
    this.#stopped = true;
    this.#deadline.clear();
  }

  #arm(): void {
    if (this.deadlines === null || this.#stopped) return;
    this.#deadline.set(this.deadlines[this.#stage]);
  }
}
