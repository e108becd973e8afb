// What runs before and after a guest's own code.

import { console_announce, program_begins } from "../intrinsics";
import { record } from "../console/record";
import { sched } from "../sched/sched";
import { SHUTDOWN_poweroff } from "../../raw/abi/sched";

/**
 * Runs before the guest's first statement. What else the runtime uses of Xen it sets up when it is first used
 * (shared_info.ts); after a soft reset xen.attach() does all of it.
 */
export function attach(): void {
  console_announce();
  program_begins();
}

/** The verdict: reports `code` (its lowest 8 bits) and powers off. */
export function exit(code: i32): void {
  record("exit", "code=" + (code & 255).toString());
  sched.shutdown(SHUTDOWN_poweroff);
  unreachable();
}

let lastWords: (() => void) | null = null;

/** `run` is called when the program has come to its end; not if it ends itself by process.exit(). One at most. */
export function onFinish(run: () => void): void {
  lastWords = run;
}

let loop: (() => void) | null = null;

/** `run` is called after the program's last statement, before what onFinish() has: the event loop. */
export function onEnd(run: () => void): void {
  loop = run;
}

/** Runs after the guest's last statement: a program that reaches its end has succeeded. */
export function finish(): void {
  const untilNothingIsLeft = loop;
  if (untilNothingIsLeft) untilNothingIsLeft();
  const run = lastWords;
  if (run) run();
  exit(process.exitCode);
}
