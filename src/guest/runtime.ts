// What runs before and after a guest's own code.

import { record } from "./record";
import { sched } from "./sched";
import { attachSharedInfo } from "./shared_info";
import { SHUTDOWN_poweroff } from "./abi/sched";

/** Sets up all that the runtime uses of Xen. Runs before the guest's first statement. */
export function attach(): void {
  attachSharedInfo();
  record("boot", "stage=runtime");
}

/** The verdict: says `code` (its lowest 8 bits) to whoever runs the guest, and powers off. */
export function exit(code: i32): void {
  record("exit", "code=" + (code & 255).toString());
  sched.shutdown(SHUTDOWN_poweroff);
  unreachable();
}

/** Runs after the guest's last statement: a program that came to its end has succeeded. */
export function finish(): void {
  exit(process.exitCode);
}
