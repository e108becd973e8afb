// A dom0 that runs a list of shell scripts, one after the other: several things under one boot.

import { stat } from "node:fs/promises";

import { newNonce } from "../protocol/record.js";
import { LineSplitter, readConsoleLine } from "../protocol/serial.js";
import type { Qemu, XenBinary } from "../debian/index.js";
import { quoteCommand, startMachine } from "./qemu.js";
import { findDamage } from "../cache/damage.js";
import { RunLog } from "./run-log.js";
import { BANNER } from "./xen-messages.js";
import { dom0Program, writeInitrd, type StoreDaemon } from "../xl/boot-files.js";
import type { Dom0Image } from "../xl/dom0-image.js";
import { WholeLines } from "../xl/whole-lines.js";
import { dom0Args } from "./xl-plan.js";

export interface Dom0Step {
  name: string;
  /** For dom0's shell; xl/dom0/steps has a few functions for it. */
  script: string;
}

export interface StepResult {
  /** What it printed, whole lines. */
  output: string[];
  /** Null if it has not ended. */
  status: number | null;
  /** What each domain wrote to its debug port meanwhile, by its number. */
  said: Map<number, string[]>;
  /** Xen's own lines meanwhile. */
  xen: string[];
}

export interface Dom0StepsOptions {
  xen: XenBinary;
  qemu: Qemu;
  dom0: Dom0Image;
  store: StoreDaemon;
  steps: Dom0Step[];
  /** Texts of xl.cfg, by name: each is /run/xenlet/<name>.cfg. */
  configs: Record<string, string>;
  /** More files of /run/xenlet, by name: contents, or paths here. */
  files: Record<string, string | Uint8Array>;
  /** Memory for all domains that there are at one time, in MiB. */
  domainsMiB: number;
  pcpus: number;
  /** How long a step may take, and dom0 may take until the first begins; in ms. */
  stepMs: number;
  signal?: AbortSignal;
  /** A step begins (null), or has ended. */
  onStep?(index: number, result: StepResult | null): void;
  /** Each line of Xen's serial console, as it comes. */
  onLine?(line: string): void;
  /** As soon as there is a log. */
  onLog?(path: string | null): void;
}

export interface Dom0Run {
  /** One for each step, in order. */
  steps: StepResult[];
  /** Why not all of them ran; null if they did. */
  error: string | null;
  /** What Xen said of itself; null if it did not come to that. */
  banner: string | null;
  log: string | null;
  tail: string[];
  durationMs: number;
}

/** Runs the steps. Never rejects for what dom0 or a step comes to. */
export async function runDom0Steps(options: Dom0StepsOptions): Promise<Dom0Run> {
  const nonce = newNonce();
  const { steps, dom0, stepMs } = options;
  // dom0's own limit for a step is the shorter one: then the others still run.
  const limits = `TIMEOUT=${Math.ceil(stepMs / 1000)}\n`;
  const initrd = await writeInitrd(dom0.initramfs, {
    nonce,
    store: options.store,
    main: await dom0Program("steps"),
    files: {
      ...options.files,
      limits: Buffer.from(limits),
      ...Object.fromEntries(
        Object.entries(options.configs).map(([name, text]) => [`${name}.cfg`, Buffer.from(text)]),
      ),
      ...Object.fromEntries(
        steps.map(({ script }, index) => [`step-${index}`, Buffer.from(`${script}\n`)]),
      ),
    },
  });
  const log = await RunLog.open(`dom0-${nonce}`);
  options.onLog?.(log.path);
  try {
    const filesMiB = await sizeMiB(options.files);
    const args = dom0Args({ ...options, filesMiB, initrd, nonce });
    log.write(
      `# ${quoteCommand(options.qemu.command, [...options.qemu.args, ...args], options.qemu.env)}`,
    );
    const run = new StepsReader(nonce, steps, (index, result) => {
      options.onStep?.(index, result);
    });
    const start = performance.now();
    const error = await withDamage(await watch(options, args, run, log), options.signal);
    await log.close();
    const durationMs = performance.now() - start;
    const { results, banner } = run;
    return { steps: results, error, banner, log: log.path, tail: log.tail, durationMs };
  } finally {
    await log.close();
    await initrd.dispose();
  }
}

/** Rounded up. */
async function sizeMiB(files: Record<string, string | Uint8Array>): Promise<number> {
  let bytes = 0;
  for (const file of Object.values(files))
    bytes += typeof file === "string" ? (await stat(file)).size : file.length;
  return Math.ceil(bytes / 2 ** 20);
}

/** Runs the machine until all steps are done: null; or why it stopped before. */
async function watch(
  { qemu, stepMs, signal, ...options }: Dom0StepsOptions,
  args: string[],
  run: StepsReader,
  log: RunLog,
): Promise<string | null> {
  signal?.throwIfAborted();
  const lines = new LineSplitter();
  let stop!: (error: string | null) => void;
  const stopped = new Promise<string | null>((resolve) => {
    stop = resolve;
  });
  let timer: NodeJS.Timeout | undefined;
  const arm = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stop(`no progress for ${Math.round((2 * stepMs) / 1000)} s: ${run.position}`);
    }, 2 * stepMs);
  };
  const onAbort = (): void => {
    stop("aborted");
  };
  signal?.addEventListener("abort", onAbort);
  arm();
  const machine = await startMachine(qemu, args, (bytes) => {
    for (const line of lines.push(bytes)) {
      log.write(line);
      options.onLine?.(line);
      if (run.read(line)) arm();
      if (run.failure !== null) stop(run.failure);
      if (run.over) stop(null);
    }
  });
  void machine.ended.then(({ status, stderr }) => {
    stop(`QEMU ended (${status}) ${stderr.trim()}: ${run.position}`);
  });
  try {
    return await stopped;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    machine.kill();
    await machine.ended;
  }
}

/** Puts what the serial console says to the steps that it belongs to. */
class StepsReader {
  readonly results: StepResult[];
  over = false;
  failure: string | null = null;
  banner: string | null = null;
  readonly #prefix: string;
  readonly #lines: WholeLines;
  #current: StepResult | null = null;
  #index = 0;
  #position = "dom0 has not reached the first step";

  constructor(
    nonce: string,
    private readonly steps: Dom0Step[],
    private readonly onStep: (index: number, result: StepResult | null) => void,
  ) {
    this.#prefix = `~d0 ${nonce} `;
    this.#lines = new WholeLines(this.#prefix);
    this.results = steps.map(() => ({
      output: [],
      status: null,
      said: new Map(),
      xen: [],
    }));
  }

  get position(): string {
    return this.#position;
  }

  /** Whether the line tells of progress. */
  read(line: string): boolean {
    return this.#lines
      .push(line)
      .map((whole) => this.#readWhole(whole))
      .some(Boolean);
  }

  #readWhole(line: string): boolean {
    if (!line.startsWith(this.#prefix)) {
      this.#readOther(line);
      return false;
    }
    const [what = "", ...words] = line.slice(this.#prefix.length).split(" ");
    switch (what) {
      case "begin":
        this.#index = Number(words[0]);
        this.#current = this.results[this.#index] ?? null;
        this.#position = `step ${words[0] ?? ""} (${this.steps[this.#index]?.name ?? ""}) had begun`;
        this.onStep(this.#index, null);
        break;
      case "out":
        this.#current?.output.push(words.join(" "));
        break;
      case "end":
        if (this.#current !== null) {
          this.#current.status = Number(words[1]);
          this.onStep(this.#index, this.#current);
        }
        break;
      case "over":
        this.over = true;
        break;
      case "failed":
        this.failure = words.join(" ");
    }
    return true;
  }

  #readOther(line: string): void {
    if (this.#current === null) {
      const banner = BANNER.exec(readConsoleLine(line, false).text)?.groups;
      if (banner !== undefined) this.banner ??= banner["debian"] ?? banner["version"] ?? null;
      return;
    }
    const { source, text } = readConsoleLine(line, false);
    if (source === "xen") this.#current.xen.push(text);
    if (typeof source !== "number") return;
    const before = this.#current.said.get(source);
    if (before === undefined) this.#current.said.set(source, [text]);
    else before.push(text);
  }
}

/** A failure that comes from a damaged cache is reported as one. */
async function withDamage(error: string | null, signal?: AbortSignal): Promise<string | null> {
  const damage = error === null ? null : await findDamage(signal);
  return damage === null ? error : `${damage.message}\n(it looked like: ${error ?? ""})`;
}
