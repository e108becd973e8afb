/** One boot of some checks: how it ended, and whose doing that was. What it said, a collector has. */
import { UserError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import type { XenBinary } from "../../debian/index.js";
import { SilentBoot } from "../../boot/last-words.js";
import type { ConformanceBackend, ConformanceBoot } from "./backend.js";
import type { Problem } from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";
import type { BootCollector } from "./records.js";
import { formatMs } from "../../base/text.js";

/**
 * `exit`: by its own program's will. `died`: the check under way is to blame. `blameless`:
 * no check is (QEMU was killed, a record was lost, Xen did not come up), so it is worth
 * another try.
 */
export interface BootEnd {
  how: "exit" | "died" | "blameless";
  /** It died by saying nothing any more, which a busy machine may do, too. */
  hung: boolean;
  /** Why a check came to no result; completes "no result: …". */
  why: string;
  /** What the run has to tell besides. */
  problem: Omit<Problem, "log"> | null;
  banner: string | null;
  log: string | null;
  durationMs: number;
}

export interface RunBootOptions {
  backend: ConformanceBackend;
  xen: XenBinary;
  checks: readonly PlannedCheck[];
  collector: BootCollector;
  /** The boot is ended after so long without a record. */
  silenceMs: number;
  /** The same once its program has spoken. */
  silenceOnceBegunMs: number;
  /** Rejects with its reason, once the boot is over. */
  signal: AbortSignal;
  onCheck(name: string): void;
}

export async function runBoot(options: RunBootOptions): Promise<BootEnd> {
  const { backend, xen, checks, collector, silenceMs, signal } = options;
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort(signal.reason);
  };
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  let timer: NodeJS.Timeout | undefined;
  const listen = (): void => {
    clearTimeout(timer);
    const ms = collector.silent ? silenceMs : options.silenceOnceBegunMs;
    timer = setTimeout(() => {
      stop.abort(new SilentBoot(`the boot printed nothing for ${formatMs(ms)}`));
    }, ms);
  };
  let log: string | null = null;
  const start = performance.now();
  const end = (rest: Omit<BootEnd, "durationMs">): BootEnd => ({
    ...rest,
    durationMs: performance.now() - start,
  });
  try {
    listen();
    const result = await backend.boot({
      xen,
      checks: checks.map(({ name }) => name),
      signal: stop.signal,
      onLog: (path) => {
        log = path;
      },
      onRecord: (record) => {
        const name = collector.record(record);
        listen();
        if (name !== null) options.onCheck(name);
      },
    });
    return end({ hung: false, ...judgeEnd(result, collector), log: result.log ?? log });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SilentBoot) {
      const how = collector.silent ? "blameless" : "died";
      const why = [error.message, error.lastWords].filter((part) => part !== "").join("; ");
      return end({ how, hung: true, why, problem: null, banner: null, log });
    }
    if (!(error instanceof UserError) || error.exitCode !== ExitCode.HOST) throw error;
    const problem = { kind: "host" as const, message: error.message };
    return end({ how: "blameless", hung: false, why: error.message, problem, banner: null, log });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

function judgeEnd(
  result: ConformanceBoot,
  collector: BootCollector,
): Pick<BootEnd, "how" | "why" | "problem" | "banner"> {
  const { verdict, message, stage, trap, damage, guestCode } = result;
  const { banner } = result.xen;
  const frames = (trap?.frames ?? []).slice(0, 3).map(({ text }) => ` at ${text}`);
  const why = `${message}${frames.join("")} (last stage: ${stage})`;
  const [first] = damage;
  if (first !== undefined) {
    const lost = `${damage.length} of a boot's records were lost or altered: ${first.message}`;
    return {
      how: "blameless",
      why: lost,
      problem: { kind: "records", message: lost },
      banner,
    };
  }
  switch (verdict) {
    case "host":
      return { how: "blameless", why, problem: { kind: "host", message }, banner };
    case "exit": {
      const ended = `the boot ended itself with exit code ${guestCode ?? "?"}`;
      return {
        how: "exit",
        why: `${ended}, without reporting a result for it`,
        problem: guestCode === 0 ? null : { kind: "boot", message: ended },
        banner,
      };
    }
    case "crash":
    case "timeout": {
      // An end that costs a check its result is reported with that check.
      const late = collector.unfinished.length === 0;
      return {
        how: collector.silent ? "blameless" : "died",
        why,
        problem: late ? { kind: "boot", message: `after its last check: ${why}` } : null,
        banner,
      };
    }
  }
}
