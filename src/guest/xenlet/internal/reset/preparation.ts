// Steps that are taken together or not at all: what a guest does before it lets go of its domain's state.
//
// They run in order. If one fails, those before it are undone in reverse, and the guest continues as if nothing had
// happened; the failing step is named, with Xen's errno. Nothing here is about soft reset: soft_reset.ts and
// kexec/ have the steps.

import { describeResult } from "../../raw/errno";

/** One preparation step, and its undo. */
export abstract class Step {
  /** What run() found or did, or why it failed: for people. */
  detail: string = "";

  constructor(
    /** For people too: "watchdogs". */
    readonly name: string,
  ) {}

  /** Returns 0; or a negative errno, and then everything is as it was before the call. */
  abstract run(): i64;

  /** Undoes run(). There is no fallback: a failure here ends the guest (checked()). */
  undo(): void {}
}

/** What happened to a step. */
export enum StepEvent {
  DONE = 0,
  /** It refused; those before it are undone after this. */
  FAILED = 1,
  UNDONE = 2,
}

/** Called for every step as it happens. */
export type StepObserver = (step: Step, event: StepEvent) => void;

export class Preparation {
  private done: Array<Step> = [];
  private failed: Step | null = null;
  private result: i64 = 0;

  constructor(
    private steps: Array<Step>,
    private observer: StepObserver | null = null,
  ) {}

  /** Runs every step. 0; or the first failing step's errno, and then all of it is undone. Once only. */
  run(): i64 {
    for (let i = 0; i < this.steps.length; i++) {
      const step = this.steps[i];
      this.result = step.run();
      if (this.result != 0) {
        this.failed = step;
        this.tell(step, StepEvent.FAILED);
        this.undo();
        return this.result;
      }
      this.done.push(step);
      this.tell(step, StepEvent.DONE);
    }
    return 0;
  }

  /** Takes back every step that is done, the last one first. */
  undo(): void {
    while (this.done.length > 0) {
      const step = this.done.pop();
      step.undo();
      this.tell(step, StepEvent.UNDONE);
    }
  }

  /** The failing step with its errno and why, as `other vCPUs: -ETIME (vCPU 2 still runs)`; empty if none failed. */
  get failure(): string {
    const step = this.failed;
    if (!step) return "";
    const reason = step.name + ": " + describeResult(this.result);
    return step.detail.length == 0 ? reason : reason + " (" + step.detail + ")";
  }

  private tell(step: Step, event: StepEvent): void {
    const observer = this.observer;
    if (observer) observer(step, event);
  }
}
