/** One boot of a guest on Xen on QEMU, from start to verdict. */
import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import type { Progress } from "../base/progress.js";
import type { CpuLevel } from "../base/cpu-level.js";
import { ExitCode } from "../base/exit-codes.js";
import { explainFailure, findDamage } from "../cache/damage.js";
import { prepareBoot, type BootPlan } from "./boot-plan.js";
import { CpuClock } from "./cpu-clock.js";
import type { Qemu, XenBinary } from "../debian/index.js";
import type { Expectation } from "./expectation.js";
import type { Text } from "../elf/run-block.js";
import type { Job } from "./job.js";
import { Monitor } from "./monitor.js";
import { quoteCommand, restoredArgs, startMachine, type MachineProcess } from "./qemu.js";
import { fieldsOf, type Damage, type GuestRecord } from "../protocol/record.js";
import { RunLog } from "./run-log.js";
import { RESTORED_WITHIN, provideState, type SavedState } from "./saved-states.js";
import { LineSplitter, readConsoleLine } from "../protocol/serial.js";
import {
  DEFAULT_TIMEOUT_MS,
  Deadline,
  StageTimer,
  deadlinesFor,
  formatMs,
  type Deadlines,
  type Stage,
} from "./stages.js";
import { reportTrap, type TrapReport } from "../protocol/trap.js";
import { TextOutput, type OutputStream } from "../protocol/text-output.js";
import { StandardInput, type Input } from "./standard-input.js";
import { Typist } from "./console-input.js";
import { judge, type Cause, type Verdict } from "./verdict.js";
import { Whereabouts, type RunningVcpu } from "./location.js";
import type { Ending } from "./xen-messages.js";

/**
 * Ways to run an image: as Xen's PVH dom0, as a domain that our own toolstack makes, or as one that stock xl does,
 * PVH or HVM.
 */
export type Way = "dom0" | "domu" | "xl" | "xl-hvm";
export const WAYS: readonly Way[] = ["dom0", "domu", "xl", "xl-hvm"];

/** What the toolstack does with a domain that asks for a soft reset; all but the first are for showing what then fails. */
export const ON_SOFT_RESET = ["soft-reset", "resume", "destroy"] as const;
export type OnSoftReset = (typeof ON_SOFT_RESET)[number];

/**
 * How a boot begins: at the machine's start; or where a machine with the same Xen had come so far that its toolstack
 * waited for its job, saved once and kept in the cache.
 */
export type BootStart = "cold" | "restored";
export const BOOT_STARTS: readonly BootStart[] = ["cold", "restored"];

export const RECORDS_BY = ["ring", "port"] as const;
export type RecordsBy = (typeof RECORDS_BY)[number];

export interface BootOptions {
  /** Path of the guest's PVH image. */
  image: string;
  /** Default: domu. */
  on?: Way;
  /** domu, and xl and xl-hvm but for resume. Default: soft-reset. */
  onSoftReset?: OnSoftReset;
  /**
   * domu: the toolstack reports what Xen has of the domain right before and right after each soft reset, and at each
   * shutdown its reason, its vCPUs that are online and its pages.
   */
  tellState?: boolean;
  xen: XenBinary;
  qemu: Qemu;
  /** Of the guest: 8..65536, default 128. */
  memoryMiB?: number;
  /** Of the guest: 1..128, default 1. */
  vcpus?: number;
  /** The machine's own CPUs: 1..255, default one, and two for a guest of several vCPUs; with `icount` 1. */
  pcpus?: number;
  /**
   * Default: restored where that may be, cold where it may not: in all ways but domu, with gdb, instructions counted, words
   * of one's own for Xen or QEMU, and machines above 2 GiB. A state that does not restore costs a note, and nothing else.
   */
  boot?: BootStart;
  /** dom0 only: memory for the domains that the guest itself makes, in MiB. */
  domUMiB?: number;
  /** dom0 only: what the image is given, if it is a toolstack that takes its job by fw_cfg (src/guest/toolstack/job.ts). */
  job?: Job;
  /** What the guest's own code may take, 1..2^31-1, default 60 000; the stages before it get at least as much. */
  timeoutMs?: number;
  /** Deadlines of single stages, in ms, where those that follow from timeoutMs will not do. */
  deadlines?: Partial<Deadlines>;
  /** Xen's command line for the guest, as it is: printable ASCII, 1023 bytes at most, fewer where more is on it. */
  cmdline?: string;
  /** What the program is called by, argv[0]. Default: the image's path. */
  name?: Text;
  /**
   * argv from [1] on: any bytes but NUL, text as UTF-8; with the environment 64 KiB at most, a byte for each end. Default:
   * the words of the command line.
   */
  arguments?: readonly Text[];
  /** NAME=VALUE each. */
  environment?: readonly Text[];
  /** Files that the guest finds as its boot modules; no white space in their paths. Xen gives a dom0 one at most. */
  modules?: string[];
  /** Lets nothing run until a gdb attached to this port of localhost says so; then there are no deadlines. */
  gdbPort?: number;
  /** The machine's CPU: a level of x86-64; default: the first, with which a guest runs everywhere. */
  cpu?: CpuLevel;
  /** One instruction a nanosecond: figures that do not depend on the machine's load. About four times slower. */
  icount?: boolean;
  /** More words for Xen's command line. */
  xenArgs?: string[];
  /** More arguments for QEMU. */
  qemuArgs?: string[];
  /** Standard input: text, bytes, or a stream of them, which is read as the guest asks for it. Default: nothing, and its end. */
  input?: Input;
  /**
   * ASCII, typed as soon as the guest's own code runs: on the guest's console; for a dom0 on Xen's, which it reads by
   * console_io. Then there is no other standard input.
   */
  typed?: string;
  /**
   * How a domain's records and text travel: by its console's ring, or by the debug port alone, at five times the cost, for a
   * guest that may take Xen down with what nobody has read yet. Default: ring. A dom0 has no ring.
   */
  records?: RecordsBy;
  /** Where the log goes. Default: a file of its own in the cache, which keeps the last 100. */
  log?: string;
  /** The verdict on a guest that says none itself: another project's. */
  expect?: Expectation;
  /** Boot an image that does not look as if Xen could load it. */
  force?: boolean;
  /** Ends QEMU; bootGuest rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Told of the toolstack's image being built, and of a state being saved. */
  progress?: Progress;
  /** Something that the caller may want to know and that changes nothing: why a boot is cold after all. */
  onNote?(text: string): void;
  onStage?(stage: Stage): void;
  onRecord?(record: GuestRecord): void;
  /** What the toolstack reports; domu only. */
  onToolstackRecord?(record: GuestRecord): void;
  /** What the guest prints, line by line: on standard output, on standard error, and to its debug port itself. */
  onConsole?(line: string, stream: "log" | "error" | "port"): void;
  /** Standard output and error as bytes, as they come. */
  onOutput?(bytes: Uint8Array, stream: OutputStream): void;
  /** Xen's own lines. */
  onXenLine?(line: string): void;
  /** As soon as the log is there, before QEMU starts; null where none can be written. */
  onLog?(path: string | null): void;
}

export interface BootResult extends Verdict {
  /** The last one reached. */
  stage: Stage;
  /** The way it ran. */
  on: Way;
  /** How it began. */
  boot: BootStart;
  /** How the guest's domain ended, as Xen or its toolstack says; null if nobody did. */
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
  /** The serial console, whole; null if it could not be kept, and `logTrouble` says why. */
  log: string | null;
  logTrouble: string | null;
  /** The console's last lines, before Xen was asked where the guest is. */
  tail: string[];
  /** From QEMU's start to its end. */
  durationMs: number;
  /** The file, with the version that its banner says. */
  xen: XenBinary & { banner: string | null };
}

/**
 * Boots an image on Xen and waits for its verdict. Any number may run
 * at the same time. QEMU is gone when the promise settles, and if this process
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
    log.write(
      `# ${quoteCommand(options.qemu.command, [...options.qemu.args, ...args], options.qemu.env)}`,
    );
    const run = await restoreOrBoot(options, plan, log);
    await log.close();
    const { monitor, whereabouts } = run;
    const running = await whereabouts.name(options.image, options.on === "dom0");
    const verdict = await withoutDamage(judge(monitor, run.cause), options.signal);
    return {
      ...verdict,
      message:
        verdict.message + (verdict.verdict === "timeout" ? whereabouts.describe(running) : ""),
      running,
      stage: run.stage,
      ended: monitor.ending,
      on: options.on ?? "domu",
      boot: run.start,
      records: monitor.records,
      toolstackRecords: monitor.toolstackRecords,
      damage: monitor.damage,
      trap: await trapOf(monitor, options.image, plan),
      log: log.trouble === null ? log.path : null,
      logTrouble: log.trouble,
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
    message: `${damage.message}\n(it looked like this: ${verdict.message})`,
    ...(damage.hint === undefined ? {} : { hint: damage.hint }),
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

/** Where nobody says what was read: with base64's growth and its end less than the 128 bytes that Xen keeps. */
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
      const note = `this boot begins at the start, since the saved state is of no use: ${why}`;
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
    return `Xen's clock and the machine's differ (${clock?.get("ppm") ?? "?"} ppm): another host saved it, or a busy one`;
  if (answered) return null;
  if (cause.type === "qemu")
    return `QEMU ended (${cause.status})${cause.stderr === "" ? "" : `: ${cause.stderr.trim()}`}`;
  return `its toolstack did not answer within ${formatMs(RESTORED_WITHIN.cpuMs)} of CPU`;
}

interface Run {
  start: BootStart;
  /** Who takes the job of a restored machine has spoken. */
  answered: boolean;
  monitor: Monitor;
  whereabouts: Whereabouts;
  tail: string[];
  cause: Cause;
  stage: Stage;
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
  const typist = new Typist((bytes) => machine?.type(bytes), acknowledged);
  const input = new StandardInput(
    options.input ?? "",
    (text) => {
      typist.type(text);
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
    ...(options.expect === undefined ? {} : { expected: options.expect }),
    timestamps: options.xenArgs?.some((word) => word.startsWith("console_timestamps")) ?? false,
    onStage: (stage) => {
      timer.reach(stage);
      if (stage === "runtime" && options.typed !== undefined) typist.type(options.typed);
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
      if (record.kind === "typed") typist.read(Number(fieldsOf(record)?.get("bytes") ?? 0));
      options.onToolstackRecord?.(record);
    },
    onText: (text) => options.onConsole?.(text, "port"),
    onXenLine: (line) => {
      whereabouts.read(readConsoleLine(line, false).text);
      options.onXenLine?.(line);
    },
  });
  const whereabouts = new Whereabouts();
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

  let state: FileHandle | undefined;
  try {
    if (from !== null) {
      log.write(`# restored from ${from.state.file}, whose boot this was:`);
      for (const line of from.state.bootLog) take(line);
      log.write("# restored:");
      state = await open(from.state.file, "r");
    }
    const started = await startMachine(
      options.qemu,
      from === null ? args : restoredArgs(args, from.job),
      (bytes) => {
        try {
          for (const line of lines.push(bytes)) take(line);
        } catch (error) {
          // A callback of the caller's threw: that ends the run, not the process.
          fail(error);
        }
      },
      state?.fd,
    );
    machine = started;
    const clock = CpuClock.ofProcess(started.pid);
    timer.useClock(clock);
    if (from !== null) {
      answer.useClock({ now: () => clock.usedMs });
      answer.set(RESTORED_WITHIN.cpuMs);
    }
    void started.ended.then((ended) => {
      stop({ type: "qemu", ...ended });
    });
    try {
      if (signal?.aborted === true) abort();
      const cause = await stopped;
      const { stage } = timer;
      const answered = hasAnswered(monitor);
      const tail = cause.type === "deadline" ? log.tail : null;
      // What is typed from now on would be Xen's debug keys.
      typist.stop();
      if (cause.type === "deadline" && monitor.handedOver && (answered || from === null))
        await whereabouts.ask(started, signal);
      started.kill();
      await started.ended;
      for (const line of lines.end()) take(line);
      monitor.end();
      output.end();
      return {
        start: from === null ? "cold" : "restored",
        answered,
        monitor,
        whereabouts,
        tail: tail ?? log.tail,
        cause,
        stage,
        durationMs: performance.now() - start,
      };
    } finally {
      started.kill();
      await started.ended;
    }
  } finally {
    await state?.close();
    answer.clear();
    timer.stop();
    typist.stop();
    input.stop();
    signal?.removeEventListener("abort", abort);
  }
}

/** Whoever takes a job signs its records from then on. */
function hasAnswered({ hasToolstack, toolstackRecords, records }: Monitor): boolean {
  return (hasToolstack ? toolstackRecords : records).some(({ signed }) => signed);
}

/** Stages that are over when a machine is saved: what is waited for in them is that the toolstack takes its job. */
function untilRestored(hasToolstack: boolean): Partial<Deadlines> {
  const { ms } = RESTORED_WITHIN;
  return { qemu: ms, xen: ms, ...(hasToolstack ? {} : { entered: ms }) };
}
