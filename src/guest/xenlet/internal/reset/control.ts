// What a toolstack asks of a running guest by its store: control/shutdown (docs/misc/xenstore-paths.pandoc of
// Xen's). It writes a command there; the guest writes the empty string back, which says that it has heard, and does
// it. Served by the event loop, which keeps running until stop() is called.

import { SHUTDOWN_crash, SHUTDOWN_reboot } from "../../raw/abi/sched";
import { ENOENT, describeResult } from "../../raw/errno";
import { record } from "../console/record";
import { exit } from "../start/runtime";
import { sched } from "../sched/sched";
import { Transaction, xenstore } from "../xenstore/client";
import { StoreWatch } from "../xenstore/watch";

const SHUTDOWN = "control/shutdown";

/** The requested action; carrying it out is up to the caller. */
abstract class ShutdownHandler {
  abstract run(command: string): bool;
}

class ContextShutdownHandler<T> extends ShutdownHandler {
  constructor(
    private context: T,
    private fn: (context: T, command: string) => bool,
  ) {
    super();
  }

  run(command: string): bool {
    return this.fn(this.context, command);
  }
}

class NoHandler extends ShutdownHandler {
  run(command: string): bool {
    return false;
  }
}

class Requests {
  watch: StoreWatch | null = null;
  /** The command that is being taken. */
  command: string = "";

  constructor(
    readonly handler: ShutdownHandler,
    readonly suspends: bool,
  ) {}

  /** What is not acknowledged, a toolstack gives up on. */
  knows(command: string): bool {
    if (command == "suspend") return this.suspends;
    return command == "poweroff" || command == "halt" || command == "reboot" || command == "crash";
  }

  /** Takes the command that is there, if there is one: reading and writing back is one step, or one could get lost. */
  take(): void {
    this.command = "";
    const result = xenstore.transact<Requests>(this, (transaction: Transaction, requests: Requests): i64 => {
      const request = transaction.read(SHUTDOWN);
      if (request.error != 0) return request.error == -ENOENT ? 0 : request.error;
      requests.command = request.value;
      return requests.knows(requests.command) ? transaction.write(SHUTDOWN, "") : 0;
    });
    if (result < 0) record("error", "control/shutdown cannot be acknowledged: " + describeResult(result));
    else if (this.knows(this.command)) this.obey(this.command);
    else if (this.command.length != 0)
      record("error", "control/shutdown asks for " + this.command + ": ignored");
  }

  private obey(command: string): void {
    if (this.handler.run(command)) return;
    if (command == "reboot") sched.shutdown(SHUTDOWN_reboot);
    else if (command == "crash") sched.shutdown(SHUTDOWN_crash);
    else if (command != "suspend") exit(process.exitCode);
  }
}

@lazy let requests: Requests | null = null;

/** What of it can be asked for. A toolstack that does not make these nodes, and may forbid them, does not look either. */
function announce(ends: string, suspends: string): void {
  xenstore.write("control/feature-poweroff", ends);
  xenstore.write("control/feature-reboot", ends);
  xenstore.write("control/feature-suspend", suspends);
}

function serve(next: Requests): i64 {
  const stopped = control.stop();
  if (stopped < 0) return stopped;
  announce("1", next.suspends ? "1" : "0");
  const watch = xenstore.on<Requests>(SHUTDOWN, next, (requests, path) => {
    requests.take();
  });
  next.watch = watch;
  if (watch.error == 0) requests = next;
  return watch.error;
}

export namespace control {
  /**
   * Obeys: `poweroff` and `halt` end the guest as process.exit() does, `reboot` and `crash` with those reasons.
   * Returns 0, or why there is no watch on the store.
   */
  export function obeyShutdown(): i64 {
    return serve(new Requests(new NoHandler(), false));
  }

  /**
   * The same, but calls `fn` first, with `context` and `poweroff`, `halt`, `reboot`, `crash` or, where the guest
   * says that it `suspends`, `suspend`, after it was acknowledged. What it returns is whether that was all: if not,
   * obeyShutdown() has the rest. Replaces an earlier one.
   */
  export function onShutdown<T>(
    context: T,
    fn: (context: T, command: string) => bool,
    suspends: bool = false,
  ): i64 {
    return serve(new Requests(new ContextShutdownHandler<T>(context, fn), suspends));
  }

  /** No longer listens, and says so in the store. */
  export function stop(): i64 {
    const before = requests;
    requests = null;
    const watch = before ? before.watch : null;
    if (!watch) return 0;
    announce("0", "0");
    return watch.stop();
  }
}
