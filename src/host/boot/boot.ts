/** One boot of a guest on Xen on QEMU, from start to verdict. */
import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { ExitCode } from "../base/exit-codes.js";
import { explainFailure, findDamage } from "../cache/damage.js";
import { takeCore } from "../core/take.js";
import { prepareBoot } from "./boot-plan.js";
import type { BootOptions, BootPlan, BootStart, Way } from "./options.js";
import { CpuClock } from "./cpu-clock.js";
import { DebugSession } from "./debug-session.js";
import type { XenBinary } from "../debian/index.js";
import { Monitor } from "./monitor.js";
import { SilentBoot, askLastWords } from "./last-words.js";
import {
  QMP_ARGS,
  quoteCommand,
  restoredArgs,
  startMachine,
  withOwnGdb,
  type MachineProcess,
} from "./qemu.js";
import { fieldsOf, type Damage, type GuestRecord } from "../protocol/record.js";
import { RunLog } from "./run-log.js";
import { provideState, type SavedState } from "./saved-states.js";
import { resume } from "./restore.js";
import { RESTORED_WITHIN } from "./state-files.js";
import { LineSplitter, readConsoleLine } from "../protocol/serial.js";
import {
  DEFAULT_TIMEOUT_MS,
  Deadline,
  StageTimer,
  deadlinesFor,
  type Deadlines,
  type Stage,
} from "./stages.js";
import { reportTrap, usersPlace, type TrapReport } from "../protocol/trap.js";
import { TextOutput } from "../protocol/text-output.js";
import { StandardInput } from "./standard-input.js";
import { ConsoleInput } from "./console-input.js";
import { judge, type Cause, type Verdict } from "./verdict.js";
import { VcpuLocations, type RunningVcpu } from "./location.js";
import type { Ending } from "./xen-messages.js";

export { BOOT_STARTS, ON_SOFT_RESET, RECORDS_BY, WAYS } from "./options.js";
export type { BootOptions, BootStart, OnSoftReset, RecordsBy, Way } from "./options.js";
import { given } from "../base/given.js";
import { formatMs } from "../base/text.js";

/** What a boot came to. */
export interface BootResult extends Verdict {
  /** The last one reached. */
  stage: Stage;
  /** The way it ran. */
  on: Way;
  /** How it began. */
  boot: BootStart;
  /** How the guest's domain ended, as Xen or its toolstack says; null if neither did. */
  ended: Ending | null;
  records: GuestRecord[];
  /** What the toolstack reported; empty for a dom0. */
  toolstackRecords: GuestRecord[];
  /** What was wrong with the records. */
  damage: Damage[];
  /** The guest's, or the toolstack's own. */
  trap: TrapReport | null;
  /** Of a guest whose time was up: its vCPUs that were running then, and where. */
  running: RunningVcpu[];
  /** The guest's core, where one was asked for and the guest crashed or hung; null if there is none, with the reason. */
  core: string | null;
  coreTrouble: string | null;
  /** The serial console, whole; null if it could not be kept, and `logError` says why. */
  log: string | null;
  logError: string | null;
  /** The console's last lines, before Xen was asked where the guest is. */
  tail: string[];
  /** From QEMU's start to its end. */
  durationMs: number;
  /** The file, with the version that its banner says. */
  xen: XenBinary & { banner: string | null };
}

/**
 * Boots an image on Xen and waits for its verdict. Any number may run
 * at the same time. QEMU has exited when the promise settles, and if this process
 * ends first, in whatever way, it goes too.
 *
 * Rejects with a UserError for options or an image that cannot work, with what
 * `signal` was aborted with, and for a QEMU that cannot be started; everything
 * that a boot can come to is a result.
 */
export async function bootGuest(options: BootOptions): Promise<BootResult> {
  options.signal?.throwIfAborted();
  const plan = await prepareBoot(options);
  const { nonce, args } = plan;
  const name = `${path.basename(options.image).replace(/[^\w.-]/g, "_")}-${nonce}`;
  const log = await RunLog.open(name, options.log);
  try {
    options.onLog?.(log.path);
    log.comment(
      quoteCommand(options.qemu.command, [...options.qemu.args, ...args], options.qemu.env),
    );
    const run = await restoreOrBoot(options, plan, log);
    await log.close();
    const { monitor, locations } = run;
    const running = await locations.name(options.image, options.on === "dom0");
    const trap = await trapOf(monitor, options.image, plan);
    const place = usersPlace(trap?.frames ?? []);
    const verdict = await withoutDamage(judge(monitor, run.cause, place), options.signal);
    return {
      ...verdict,
      message: verdict.message + (verdict.verdict === "timeout" ? locations.describe(running) : ""),
      running,
      stage: run.stage,
      ended: monitor.ending,
      on: options.on ?? "domu",
      boot: run.start,
      records: monitor.records,
      toolstackRecords: monitor.toolstackRecords,
      damage: monitor.damage,
      trap,
      core: run.core === true ? (options.core ?? null) : null,
      coreTrouble: typeof run.core === "string" ? run.core : null,
      log: log.error === null ? log.path : null,
      logError: log.error,
      tail: run.tail,
      durationMs: run.durationMs,
      xen: { ...options.xen, banner: monitor.banner?.debian ?? monitor.banner?.version ?? null },
    };
  } catch (error) {
    throw await explainFailure(error, options.signal);
  } finally {
    await log.close();
    await plan.dispose();
  }
}

/** A boot that failed with a damaged QEMU, Xen or toolstack says nothing about the guest. */
async function withoutDamage(verdict: Verdict, signal?: AbortSignal): Promise<Verdict> {
  const damage = verdict.verdict === "exit" ? null : await findDamage(signal);
  if (damage === null) return verdict;
  return {
    verdict: "host",
    exitCode: ExitCode.HOST,
    guestCode: verdict.guestCode,
    message: `${damage.message}\n(it looked like: ${verdict.message})`,
    ...given({ hint: damage.hint }),
  };
}

/** Of the toolstack if it failed: then that is what the verdict is about. */
async function trapOf(
  monitor: Monitor,
  image: string,
  { toolstackImage }: BootPlan,
): Promise<TrapReport | null> {
  const own =
    toolstackImage === null ? null : await reportTrap(monitor.toolstackRecords, toolstackImage);
  return own ?? reportTrap(monitor.records, image);
}

/** If nothing acknowledges what was read: with base64's growth and its end less than the 128 bytes that Xen keeps. */
const UNACKNOWLEDGED_BYTES = 72;
/** A guest that has printed something so recently was printing when its deadline came; in a tenth of a short deadline. */
const FLOWING_MS = 1000;
const PRINTED = /~x1 \S+ \d+ (?:log|error|out|err)[+:]/;

/** From a saved state where that may be and works; else from the start. */
async function restoreOrBoot(options: BootOptions, plan: BootPlan, log: RunLog): Promise<Run> {
  if (plan.job !== null) {
    const { qemu, progress, signal } = options;
    const onNote = (text: string): void => {
      options.onNote?.(text);
    };
    const state = await provideState({
      qemu,
      xen: options.xen.path,
      toolstack: plan.toolstackImage ?? options.image,
      args: plan.args,
      progress,
      signal,
      onNote,
    });
    if (state !== null) {
      const run = await runMachine(options, plan, log, { state, job: plan.job });
      const why = whyNotRestored(run);
      if (why === null) return run;
      const note = `this boot starts from the beginning, because the saved state is unusable: ${why}`;
      onNote(note);
      log.write(`# ${note}`);
      await state.discard();
    }
  }
  return runMachine(options, plan, log, null);
}

/** Whether it is the state's fault that a run came to nothing: its toolstack took no job, or does not trust its clock. */
function whyNotRestored({ monitor, cause, answered }: Run): string | null {
  const records = monitor.hasToolstack ? monitor.toolstackRecords : monitor.records;
  const clock = records.map(fieldsOf).find((fields) => fields?.get("event") === "clock-differs");
  if (clock !== undefined)
    return `Xen's clock and the machine's differ (${clock?.get("ppm") ?? "?"} ppm): it was saved by another host or a busy one`;
  if (answered) return null;
  if (cause.type === "qemu")
    return `QEMU ended (${cause.status})${cause.stderr === "" ? "" : `: ${cause.stderr.trim()}`}`;
  return `its toolstack did not answer within ${formatMs(RESTORED_WITHIN.cpuMs)} of CPU time`;
}

/** Whether the guest crashed or hung: then a core shows where. */
function leavesCore({ ending, handedOver }: Monitor, cause: Cause): boolean {
  if (cause.type === "deadline") return handedOver;
  return cause.type === "ending" && (ending?.how === "crash" || ending?.how === "watchdog");
}

/** Stops the machine and takes the core. True, or the reason why there is none. */
async function takeGuestCore(
  { core = "", image }: BootOptions,
  machine: MachineProcess,
): Promise<true | string> {
  try {
    machine.hold();
    await takeCore(core, image, machine.pid);
    return true;
  } catch (error) {
    return (error as Error).message;
  }
}

interface Run {
  start: BootStart;
  /** Who takes the job of a restored machine has spoken. */
  answered: boolean;
  monitor: Monitor;
  locations: VcpuLocations;
  tail: string[];
  cause: Cause;
  stage: Stage;
  /** Whether a core was written, or the reason why it could not be. */
  core: boolean | string;
  durationMs: number;
}

async function runMachine(
  options: BootOptions,
  { nonce, toolstackNonce, toolstackImage, args, read = (line) => [line] }: BootPlan,
  log: RunLog,
  from: { state: SavedState; job: string } | null,
): Promise<Run> {
  const { signal } = options;
  const start = performance.now();
  // Resolved by the first of: Xen says how it ended, a deadline, QEMU's own end, an abort.
  let stop!: (cause: Cause) => void;
  let fail!: (reason: unknown) => void;
  const stopped = new Promise<Cause>((resolve, reject) => {
    stop = resolve;
    fail = reject;
  });
  // It may reject before anybody waits for it.
  stopped.catch(() => undefined);

  let machine: MachineProcess | undefined;
  const acknowledged = toolstackImage !== null;
  const consoleInput = new ConsoleInput((bytes) => machine?.type(bytes), acknowledged);
  const input = new StandardInput(
    options.input ?? "",
    (text) => {
      consoleInput.type(text);
    },
    acknowledged ? Infinity : UNACKNOWLEDGED_BYTES,
    fail,
  );
  let printedAt = -Infinity;
  const output = new TextOutput({
    onBytes: (bytes, stream) => options.onOutput?.(bytes, stream),
    onLine: (line, stream) => options.onConsole?.(line, stream === "stdout" ? "log" : "error"),
  });
  const monitor = new Monitor({
    nonce,
    ...(toolstackNonce === null ? {} : { toolstackNonce }),
    ...given({ expected: options.expect }),
    timestamps: options.xenArgs?.some((word) => word.startsWith("console_timestamps")) ?? false,
    onStage: (stage) => {
      timer.reach(stage);
      if (stage === "runtime" && options.typed !== undefined) consoleInput.type(options.typed);
      options.onStage?.(stage);
    },
    onEnding: () => {
      stop({ type: "ending" });
    },
    onExpected: () => {
      stop({ type: "expected" });
    },
    onRecord: (record) => {
      output.take(record);
      if (record.kind === "input" && record.signed)
        void input.wanted(Number(fieldsOf(record)?.get("want") ?? 0));
      options.onRecord?.(record);
    },
    onToolstackRecord: (record) => {
      if (record.kind === "typed") consoleInput.read(Number(fieldsOf(record)?.get("bytes") ?? 0));
      options.onToolstackRecord?.(record);
    },
    onText: (text) => options.onConsole?.(text, "port"),
    onXenLine: (line) => {
      locations.read(readConsoleLine(line, false).text);
      options.onXenLine?.(line);
    },
  });
  const locations = new VcpuLocations();
  const lines = new LineSplitter();
  const take = (line: string): void => {
    log.write(line);
    // A long record's lines count before it is whole.
    if (PRINTED.test(line)) printedAt = performance.now();
    for (const said of read(line)) monitor.push(said);
  };
  const deadlines =
    options.gdbPort === undefined
      ? {
          ...deadlinesFor(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, options.on?.startsWith("xl")),
          ...options.deadlines,
          ...(from === null ? {} : untilRestored(toolstackNonce !== null)),
        }
      : null;
  const timer = new StageTimer(deadlines, (stage, deadlineMs, wallMs) => {
    const flowing = performance.now() - printedAt < Math.min(FLOWING_MS, deadlineMs / 10);
    const { waiting } = input;
    const printed = flowing ? output.bytes : null;
    stop({ type: "deadline", stage, deadlineMs, wallMs, waiting, printed });
  });
  const answer = new Deadline((deadlineMs, wallMs) => {
    if (!hasAnswered(monitor)) stop({ type: "deadline", stage: timer.stage, deadlineMs, wallMs });
  });
  const abort = (): void => {
    fail(signal?.reason);
  };
  signal?.addEventListener("abort", abort);

  // A restored machine's monitor is the one that it is resumed by.
  const asks = options.lastWords === true && from === null;
  let state: FileHandle | undefined;
  let debug: DebugSession | undefined;
  try {
    if (options.gdbPort !== undefined) debug = await DebugSession.listen(options.gdbPort);
    if (from !== null) {
      log.write(`# restored from ${from.state.file}, whose boot this was:`);
      for (const line of from.state.bootLog) take(line);
      log.write("# restored:");
      state = await open(from.state.file, "r");
    }
    const started = await startMachine(
      options.qemu,
      debug !== undefined
        ? withOwnGdb(args)
        : from === null
          ? [...args, ...(asks ? QMP_ARGS : [])]
          : restoredArgs(args, from.job, from.state.ram),
      (bytes) => {
        try {
          for (const line of lines.push(bytes)) take(line);
        } catch (error) {
          // A callback of the caller's threw: that ends the run, not the process.
          fail(error);
        }
      },
      { monitor: asks || debug !== undefined || from !== null, state: state?.fd },
    );
    machine = started;
    if (debug !== undefined && started.socket !== null) {
      debug.connect(options.image, started.pid, started.socket, fail);
      options.onGdb?.();
    }
    const clock = CpuClock.ofProcess(started.pid);
    timer.useClock(clock);
    if (from !== null) {
      answer.useClock({ now: () => clock.usedMs });
      answer.set(RESTORED_WITHIN.cpuMs);
      void resume(started);
    }
    void started.ended.then((ended) => {
      stop({ type: "qemu", ...ended });
    });
    try {
      if (signal?.aborted === true) abort();
      const cause = await stopped.catch(async (error: unknown) => {
        if (asks && error instanceof SilentBoot)
          error.lastWords = await askLastWords(started, {
            log: (line) => {
              log.write(line);
            },
            panic: () => monitor.panic,
          });
        throw error;
      });
      const { stage } = timer;
      const answered = hasAnswered(monitor);
      const tail = cause.type === "deadline" ? log.tail : null;
      // What is typed from now on would be Xen's debug keys.
      consoleInput.stop();
      if (cause.type === "deadline" && monitor.handedOver && (answered || from === null))
        await locations.ask(started, signal);
      const core =
        options.core !== undefined &&
        leavesCore(monitor, cause) &&
        (await takeGuestCore(options, started));
      started.kill();
      await started.ended;
      for (const line of lines.end()) take(line);
      monitor.end();
      output.end();
      return {
        start: from === null ? "cold" : "restored",
        answered,
        monitor,
        locations,
        tail: tail ?? log.tail,
        cause,
        stage,
        core,
        durationMs: performance.now() - start,
      };
    } finally {
      started.kill();
      await started.ended;
    }
  } finally {
    await debug?.close();
    await state?.close();
    answer.clear();
    timer.stop();
    consoleInput.stop();
    input.stop();
    signal?.removeEventListener("abort", abort);
  }
}

/** The toolstack that takes a job signs its records from then on. */
function hasAnswered({ hasToolstack, toolstackRecords, records }: Monitor): boolean {
  return (hasToolstack ? toolstackRecords : records).some(({ signed }) => signed);
}

/** Stages that are over when a machine is saved: what is waited for in them is that the toolstack takes its job. */
function untilRestored(hasToolstack: boolean): Partial<Deadlines> {
  const { ms } = RESTORED_WITHIN;
  return { qemu: ms, xen: ms, ...(hasToolstack ? {} : { entered: ms }) };
}
