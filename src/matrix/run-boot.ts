/** One boot of some checks: what it said, and how it ended. */
import { UserError } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import type { XenBinary } from "../machine/debian/index.js";
import { formatMs } from "../machine/stages.js";
import type { ConformanceBackend, ConformanceBoot } from "./backend.js";
import type { PlannedCheck, Problem } from "./model.js";
import type { BootCollector } from "./records.js";

/** How a boot ended. `exit`: by its own program's will. `blameless`: by no check's doing. */
interface End {
  how: "exit" | "died" | "blameless";
  /** Completes "no result: …". */
  why: string;
  problem: Omit<Problem, "log"> | null;
  banner: string | null;
}

async function boot(
  { version, checks }: Batch,
  collector: BootCollector,
  options: MatrixOptions,
  signal: AbortSignal,
): Promise<{ end: End; log: string | null }> {
  const { silenceMs = DEFAULT_SILENCE_MS } = options;
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort(signal.reason);
  };
  signal.addEventListener("abort", abort);
  let timer: NodeJS.Timeout | undefined;
  const listen = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stop.abort(new Silence(`the boot said nothing for ${formatMs(silenceMs)}`));
    }, silenceMs);
  };
  let log: string | null = null;
  const start = performance.now();
  try {
    listen();
    const result = await options.backend.boot({
      xen: version.xen,
      checks: checks.map(({ name }) => name),
      signal: stop.signal,
      onLog: (path) => {
        log = path;
      },
      onRecord: (record) => {
        listen();
        const name = collector.record(record);
        if (name !== null) options.onCheck?.(version.label, name);
      },
    });
    return { end: endOf(result, collector), log: result.log ?? log };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Silence)
      return { end: { how: "died", why: error.message, problem: null, banner: null }, log };
    if (!(error instanceof UserError) || error.exitCode !== ExitCode.HOST) throw error;
    const problem = { kind: "host" as const, message: error.message };
    return { end: { how: "blameless", why: error.message, problem, banner: null }, log };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    version.boots++;
    version.busyMs += performance.now() - start;
  }
}

function endOf(result: ConformanceBoot, collector: BootCollector): End {
  const { verdict, message, stage, trap, damage, guestCode } = result;
  const frames = (trap?.frames ?? []).slice(0, 3).map(({ text }) => ` at ${text}`);
  const why = `${message}${frames.join("")} (last stage: ${stage})`;
  const { banner } = result.xen;
  const all = collector.unfinished.length === 0;
  const [first] = damage;
  if (first !== undefined)
    return {
      how: "blameless",
      why: `the boot's records are damaged: ${first.message}`,
      problem: {
        kind: "records",
        message: `${damage.length} of a boot's records were lost or altered, first: ${first.message}`,
      },
      banner,
    };
  switch (verdict) {
    case "host":
      return { how: "blameless", why, problem: { kind: "host", message }, banner };
    case "exit":
      return {
        how: "exit",
        why: `its boot came to its end (exit code ${guestCode ?? "?"}) without a word about it`,
        problem:
          guestCode === 0
            ? null
            : { kind: "boot", message: `a boot ended with exit code ${guestCode ?? "?"}` },
        banner,
      };
    default:
      // A death that costs a check is told with that check.
      return {
        how: "died",
        why,
        problem: all ? { kind: "boot", message: `after its last check: ${why}` } : null,
        banner,
      };
  }
}


/** A boot that says nothing any more. */
class Silence extends Error {}
