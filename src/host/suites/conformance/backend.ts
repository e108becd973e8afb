/**
 * What the matrix needs from the backend that runs the checks: the list of them, and a boot that runs
 * some. The tests of the matrix put a stand-in here, src/host/suites/conformance/default-backend.ts the real thing.
 */
import type { Progress } from "../../base/progress.js";
import type { BootResult, BootStart } from "../../boot/boot.js";
import type { HypercallMode } from "../../build/link/toolchain.js";
import type { XenBinary } from "../../debian/index.js";
import type { GuestRecord } from "../../protocol/record.js";
import type { Machine, Way } from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";

export interface BackendOptions {
  on: Way;
  progress: Progress;
  signal: AbortSignal;
  /** Default: cold. */
  boot?: BootStart;
  /** How dom0 and its domains enter each Xen. Default: "direct" for all. */
  hypercall?: HypercallChoice;
  /** How long each pair of the suite "races" runs. Default: the program's own, 600 ms. */
  raceMs?: number;
  /** More arguments for QEMU, for a boot of that Xen, and what is done when it is over. */
  trace?: (xen: XenBinary) => { qemuArgs: string[]; end: () => Promise<void> };
}

export interface HypercallChoice {
  /** All that `of` returns. */
  modes: readonly HypercallMode[];
  of(xen: XenBinary): HypercallMode;
}

export interface ConformanceBackend {
  /** What boots are made on; undefined until that is prepared. */
  machine?: () => Machine | undefined;

  /** All checks that there are, in the order in which they are meant to be read. */
  plan(): Promise<PlannedCheck[]>;

  /** Gets and builds what boots need; the first boot does it otherwise. */
  prepare?(): Promise<unknown>;

  /**
   * Runs those checks, with their controls, in one boot. Whatever a boot can come to is a
   * result; rejects with `signal`'s reason when it is aborted (once QEMU has exited), and with
   * a UserError for trouble on the host.
   *
   * The program reports exit code 0 when it has run to its end, whatever the checks' results.
   */
  boot(options: ConformanceBootOptions): Promise<ConformanceBoot>;
}

export interface ConformanceBootOptions {
  xen: XenBinary;
  /** Names, in the plan's order; at least one. */
  checks: string[];
  signal: AbortSignal;
  /** Every record, of either domain, as it comes. */
  onRecord: (record: GuestRecord) => void;
  /** As soon as there is a log. */
  onLog: (path: string | null) => void;
}

/** What of a boot's result is looked at: what bootGuest() returns will do. */
export type ConformanceBoot = Pick<
  BootResult,
  "verdict" | "message" | "guestCode" | "stage" | "damage" | "log"
> & {
  trap: { frames: { text: string }[] } | null;
  xen: { banner: string | null };
};
