/** One boot of a guest on Xen on QEMU, from start to verdict. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { UserError } from "../errors.js";
import { readElf } from "../image/elf/elf.js";
import { validatePvhImage } from "../image/elf/pvh.js";
import type { Qemu, XenBinary } from "./debian/index.js";
import { imagePathForQemu } from "./image-link.js";
import { Monitor } from "./monitor.js";
import {
  DEFAULT_MEMORY_MIB,
  MAX_MEMORY_MIB,
  MAX_VCPUS,
  MIN_MEMORY_MIB,
  machineArgs,
  quoteCommand,
  startMachine,
  type MachineProcess,
} from "./qemu.js";
import type { Damage, GuestRecord } from "./record.js";
import { RunLog } from "./run-log.js";
import { LineSplitter } from "./serial.js";
import {
  DEFAULT_TIMEOUT_MS,
  MAX_TIMEOUT_MS,
  StageTimer,
  deadlinesFor,
  type Deadlines,
  type Stage,
} from "./stages.js";
import { reportTrap, type TrapReport } from "./trap.js";
import { judge, type Cause, type Verdict } from "./verdict.js";
import type { Ending } from "./xen-messages.js";

export interface BootOptions {
  /** Path of the guest's PVH image. */
  image: string;
  xen: XenBinary;
  qemu: Qemu;
  /** Of the guest: 8..65536, default 128. */
  memoryMiB?: number;
  /** 1..128, default 1. */
  vcpus?: number;
  /** What the guest's own code may take, 1..2^31-1, default 60 000; the stages before it get at least as much. */
  timeoutMs?: number;
  /** Deadlines of single stages, in ms, where those that follow from timeoutMs will not do. */
  deadlines?: Partial<Deadlines>;
  /** The guest's command line, behind `nonce=…`; printable ASCII. */
  cmdline?: string;
  /** A file that the guest finds as its first boot module; no white space in its path. */
  module?: string;
  /** Lets nothing run until a gdb attached to this port of localhost says so; then there are no deadlines. */
  gdbPort?: number;
  /** One instruction a nanosecond: figures that do not depend on the machine's load. About four times slower. */
  icount?: boolean;
  /** More words for Xen's command line. */
  xenArgs?: string[];
  /** More arguments for QEMU. */
  qemuArgs?: string[];
  /** Typed on Xen's console as soon as the guest's own code runs: dom0 reads it by console_io. */
  input?: string;
  /** Where the log goes. Default: a file of its own in the cache, which keeps the last 100. */
  log?: string;
  /** Boot an image that does not look as if Xen could load it. */
  force?: boolean;
  /** Ends QEMU; bootGuest rejects with the signal's reason. */
  signal?: AbortSignal;
  onStage?(stage: Stage): void;
  onRecord?(record: GuestRecord): void;
  /** What the guest prints: console.log and console.error, and what it writes to its debug port itself. */
  onConsole?(line: string, stream: "log" | "error" | "port"): void;
  /** Xen's own lines. */
  onXenLine?(line: string): void;
  /** As soon as the log is there, before QEMU starts; null where none can be written. */
  onLog?(path: string | null): void;
}

export interface BootResult extends Verdict {
  /** The last one reached. */
  stage: Stage;
  /** How the domain ended, as Xen says; null if Xen did not say. */
  ended: Ending | null;
  records: GuestRecord[];
  /** What was wrong with the records. */
  damage: Damage[];
  trap: TrapReport | null;
  /** The serial console, whole; null if it could not be kept, and `logTrouble` says why. */
  log: string | null;
  logTrouble: string | null;
  /** The console's last lines. */
  tail: string[];
  /** From QEMU's start to its end. */
  durationMs: number;
  /** The file, with the version that its banner says. */
  xen: XenBinary & { banner: string | null };
}

/**
 * Boots an image as Xen's PVH dom0 and waits for its verdict. Any number may run
 * at the same time. QEMU is gone when the promise settles, and if this process
 * ends first, in whatever way, it goes too.
 *
 * Rejects with a UserError for options or an image that cannot work, with what
 * `signal` was aborted with, and for a QEMU that cannot be started; everything
 * that a boot can come to is a result.
 */
export async function bootGuest(options: BootOptions): Promise<BootResult> {
  options.signal?.throwIfAborted();
  const { nonce, args } = await prepareBoot(options);
  const name = `${path.basename(options.image).replace(/[^\w.-]/g, "_")}-${nonce}`;
  const log = await RunLog.open(name, options.log);
  try {
    options.onLog?.(log.path);
    log.write(
      `# ${quoteCommand(options.qemu.command, [...options.qemu.args, ...args], options.qemu.env)}`,
    );
    const run = await runMachine(options, { nonce, args, log });
    await log.close();
    const { monitor } = run;
    return {
      ...judge(monitor, run.cause),
      stage: run.stage,
      ended: monitor.ending,
      records: monitor.records,
      damage: monitor.damage,
      trap: await reportTrap(monitor.records, options.image),
      log: log.trouble === null ? log.path : null,
      logTrouble: log.trouble,
      tail: log.tail,
      durationMs: run.durationMs,
      xen: { ...options.xen, banner: monitor.banner?.debian ?? monitor.banner?.version ?? null },
    };
  } finally {
    await log.close();
  }
}

/** QEMU's arguments for a boot, everything checked that can be before it starts. For --dry-run, too. */
export async function prepareBoot(
  options: BootOptions,
): Promise<{ nonce: string; args: string[] }> {
  const memoryMiB = options.memoryMiB ?? DEFAULT_MEMORY_MIB;
  const vcpus = options.vcpus ?? 1;
  checkRange("the guest's memory in MiB", memoryMiB, MIN_MEMORY_MIB, MAX_MEMORY_MIB);
  checkRange("the number of vCPUs", vcpus, 1, MAX_VCPUS);
  checkRange("the timeout in ms", options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS);
  if (options.gdbPort !== undefined) checkRange("gdb's port", options.gdbPort, 1, 65_535);
  if (options.force !== true) validatePvhImage(await readElf(options.image));
  const nonce = randomBytes(6).toString("hex");
  const image = await imagePathForQemu(options.image);
  const args = machineArgs({ ...options, xen: options.xen.path, image, nonce, memoryMiB, vcpus });
  return { nonce, args };
}

function checkRange(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UserError(`${what} is ${value}, expected a whole number of ${least}..${most}`);
}

interface Run {
  monitor: Monitor;
  cause: Cause;
  stage: Stage;
  durationMs: number;
}

async function runMachine(
  options: BootOptions,
  { nonce, args, log }: { nonce: string; args: string[]; log: RunLog },
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
  const monitor = new Monitor({
    nonce,
    timestamps: options.xenArgs?.some((word) => word.startsWith("console_timestamps")) ?? false,
    onStage: (stage) => {
      timer.reach(stage);
      if (stage === "runtime" && options.input !== undefined) machine?.type(options.input);
      options.onStage?.(stage);
    },
    onEnding: () => {
      stop({ type: "ending" });
    },
    onRecord: (record) => {
      if (record.kind === "log" || record.kind === "error")
        options.onConsole?.(record.payload, record.kind);
      options.onRecord?.(record);
    },
    onText: (text) => options.onConsole?.(text, "port"),
    onXenLine: (line) => options.onXenLine?.(line),
  });
  const lines = new LineSplitter();
  const take = (line: string): void => {
    log.write(line);
    monitor.push(line);
  };
  const deadlines =
    options.gdbPort === undefined
      ? { ...deadlinesFor(options.timeoutMs ?? DEFAULT_TIMEOUT_MS), ...options.deadlines }
      : null;
  const timer = new StageTimer(deadlines, (stage, deadlineMs) => {
    stop({ type: "deadline", stage, deadlineMs });
  });
  const abort = (): void => {
    fail(signal?.reason);
  };
  signal?.addEventListener("abort", abort);

  try {
    const started = await startMachine(
      options.qemu,
      args,
      (bytes) => {
        try {
          for (const line of lines.push(bytes)) take(line);
        } catch (error) {
          // A callback of the caller's threw: that ends the run, not the process.
          fail(error);
        }
      },
      { typing: options.input !== undefined },
    );
    machine = started;
    void started.ended.then((ended) => {
      stop({ type: "qemu", ...ended });
    });
    try {
      if (signal?.aborted === true) abort();
      const cause = await stopped;
      const { stage } = timer;
      started.kill();
      await started.ended;
      for (const line of lines.end()) take(line);
      monitor.end();
      return { monitor, cause, stage, durationMs: performance.now() - start };
    } finally {
      started.kill();
      await started.ended;
    }
  } finally {
    timer.stop();
    signal?.removeEventListener("abort", abort);
  }
}
