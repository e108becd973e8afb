// Suspend and resume: SCHEDOP_shutdown with SHUTDOWN_suspend. A toolstack that saves or migrates a domain asks for it
// (control/shutdown), copies the memory and the vCPUs of the domain that has shut down, and makes another one of them:
// `xl save`, `xl restore`, `xl migrate`. The new one continues after the hypercall. Its event channels, grants, shared_info
// and areas are as new, so before and after it the same is needed as for a soft reset, and the grant table's frame.

import { SHUTDOWN_suspend } from "../../raw/abi/sched";
import { control } from "./control";
import { describeResult } from "../../raw/errno";
import { record } from "../console/record";
import { sched } from "../sched/sched";
import { letGo, softReset, xen } from "./soft-reset";

/** What the hypercall returns where the domain was not replaced: xc_domain_resume(), tools/libs/ctrl/xc_resume.c. */
export const SUSPEND_CANCEL: i64 = 1;

class Listener {
  constructor(private fn: (result: i64) => void) {}

  run(result: i64): void {
    this.fn(result);
  }
}

export namespace suspend {
  /**
   * Lets the toolstack have the domain: prepares as softReset.prepare() does, and shuts down. Returns 0 in the domain that
   * was made of it, attached: the program binds and registers its resources again, as after a soft reset. Returns 1 if the toolstack let
   * this domain go on (`xl save -c`, a migration that failed), and then everything is as it was. A negative errno is that
   * of the step that refused (softReset.why() says which): nothing was done.
   */
  export function now(): i64 {
    const result = softReset.prepare();
    if (result != 0) return result;
    const said = sched.shutdown(SHUTDOWN_suspend);
    if (said != 0) {
      softReset.undo();
      return said;
    }
    letGo(true);
    xen.attach();
    return 0;
  }

  /**
   * Obeys the toolstack as control.obeyShutdown() does, and `suspend` as well: `fn` receives the result of now(). Watches
   * on the store continue in the new domain, including this one. Returns 0, or why there is no watch.
   */
  export function obey(fn: (result: i64) => void): i64 {
    return control.onShutdown<Listener>(
      new Listener(fn),
      (listener, command) => {
        if (command != "suspend") return false;
        const result = now();
        if (result < 0) record("error", "suspend: " + describeResult(result) + ", " + softReset.why());
        listener.run(result);
        return true;
      },
      true,
    );
  }
}
