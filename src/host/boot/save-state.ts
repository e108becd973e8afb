/**
 * Makes a saved state: boots the machine until its toolstack waits for a job, has QEMU save it, and restores it once to
 * see that it can be. A vCPU that was inside a guest at that moment makes a state that QEMU saves silently and does
 * not load (cpu_post_load, target/i386/machine.c, 7.2): the toolstack sleeps in Xen while it waits, so that is rare, and
 * restoring it shows it.
 */
import { open, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { CpuClock } from "./cpu-clock.js";
import type { Qemu } from "../debian/index.js";
import { writeJob } from "./job.js";
import {
  QMP_ARGS,
  jobArgs,
  ramFileArgs,
  restoredArgs,
  startMachine,
  type MachineProcess,
} from "./qemu.js";
import type { Qmp } from "./qmp.js";
import { migrationMonitor, resume } from "./restore.js";
import { BOOT_LOG, RAM, RESTORED_WITHIN, STATE } from "./state-files.js";
import { LineSplitter } from "../protocol/serial.js";
import { Deadline } from "./stages.js";

/** The toolstack's first record says so, before it waits; it has no nonce yet. */
const WAITS = /^~x1 - \d+ boot:stage=runtime #/;
/** Xen comes up in a second. */
const BOOTED_WITHIN_MS = 30_000;
const SAVED_WITHIN_MS = 10_000;
/** Of the job that a state is tried with: nothing is in it, so what has read it ends with an error. */
const TRIAL_NONCE = "trial";
const ATTEMPTS = 3;

export interface SaveOptions {
  qemu: Qemu;
  /** For a boot from the start, without a job. */
  args: string[];
  /** Where the state and its boot log go. */
  folder: string;
  /** For files that are of no use afterwards. */
  scratch: string;
  signal?: AbortSignal | undefined;
}

/** Rejects with an Error in words that complete "no state could be saved: …". */
export async function saveState(options: SaveOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await saveOnce(options);
      await tryState(options);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (attempt === ATTEMPTS) throw error;
      for (const name of [STATE, RAM]) await rm(path.join(options.folder, name), { force: true });
    }
  }
}

async function saveOnce({ qemu, args, folder, scratch, signal }: SaveOptions): Promise<void> {
  const job = path.join(scratch, "no-job");
  await writeJob(null, job);
  const lines: string[] = [];
  await withMachine(
    qemu,
    [...args, ...jobArgs(job), ...ramFileArgs(args, path.join(folder, RAM), "write"), ...QMP_ARGS],
    { monitor: true },
    {
      within: BOOTED_WITHIN_MS,
      what: "the toolstack did not get as far as waiting for its job",
      signal,
    },
    (line) => {
      if (WAITS.test(line)) return true;
      lines.push(line);
      return false;
    },
    async (machine) => {
      const qmp = await migrationMonitor(machine);
      await migrate(machine.pid, qmp, path.join(folder, STATE));
    },
  );
  await writeFile(path.join(folder, BOOT_LOG), `${lines.join("\n")}\n`, "latin1");
}

const Migration = z.object({ status: z.string().optional(), "error-desc": z.string().optional() });

/** ms, QEMU's most: it keeps copying what was changed until the rest would take no longer, and on a busy machine for ever. */
const MAX_DOWNTIME_MS = 2_000_000;

/** While it runs, as for a move to another host: a machine that was stopped first would stay stopped. */
async function migrate(pid: number, qmp: Qmp, file: string): Promise<void> {
  const clock = CpuClock.ofProcess(pid);
  await qmp.execute("migrate-set-parameters", {
    "max-bandwidth": 2 ** 40,
    "downtime-limit": MAX_DOWNTIME_MS,
  });
  await qmp.execute("migrate", { uri: `exec:exec cat > '${file.replaceAll("'", `'\\''`)}'` });
  for (;;) {
    const state = Migration.parse(await qmp.execute("query-migrate"));
    if (state.status === "completed") return;
    if (state.status === "failed" || state.status === "cancelled")
      throw new Error(`QEMU failed to save the machine: ${state["error-desc"] ?? state.status}`);
    if (clock.now() > SAVED_WITHIN_MS) throw new Error("QEMU did not finish saving the machine");
    await sleep(10);
  }
}

/** Rejects unless its toolstack takes a job. */
async function tryState({ qemu, args, folder, scratch, signal }: SaveOptions): Promise<void> {
  const job = path.join(scratch, "trial-job");
  await writeJob({ words: `nonce=${TRIAL_NONCE}`, files: [] }, job);
  const state = await open(path.join(folder, STATE), "r");
  try {
    await withMachine(
      qemu,
      restoredArgs(args, job, path.join(folder, RAM)),
      { monitor: true, state: state.fd },
      { within: RESTORED_WITHIN.ms, what: "a restored toolstack did not answer", signal },
      (line) => line.startsWith(`~x1 ${TRIAL_NONCE} `),
      () => Promise.resolve(),
    );
  } finally {
    await state.close();
  }
}

interface Limit {
  within: number;
  /** What it means when the time is up. */
  what: string;
  signal: AbortSignal | undefined;
}

/** Runs a machine until `isThere` has seen the line that it looks for, then `use`. The machine has ended afterwards. */
async function withMachine(
  qemu: Qemu,
  args: string[],
  extra: { monitor: true; state?: number },
  limit: Limit,
  isThere: (line: string) => boolean,
  use: (machine: MachineProcess) => Promise<void>,
): Promise<void> {
  limit.signal?.throwIfAborted();
  const lines = new LineSplitter();
  let found!: () => void;
  let fail!: (error: unknown) => void;
  const ready = new Promise<void>((resolve, reject) => {
    found = resolve;
    fail = reject;
  });
  ready.catch(() => undefined);
  const machine = await startMachine(
    qemu,
    args,
    (bytes) => {
      for (const line of lines.push(bytes)) if (isThere(line)) found();
    },
    extra,
  );
  const deadline = new Deadline(() => {
    fail(new Error(limit.what));
  });
  const abort = (): void => {
    fail(limit.signal?.reason);
  };
  limit.signal?.addEventListener("abort", abort);
  try {
    void machine.ended.then(({ status, stderr }) => {
      fail(new Error(`QEMU ended (${status}): ${stderr.trim()}`));
    });
    deadline.useClock(CpuClock.ofProcess(machine.pid));
    deadline.set(limit.within);
    if (extra.state !== undefined) await resume(machine);
    await ready;
    deadline.clear();
    await use(machine);
  } finally {
    deadline.clear();
    limit.signal?.removeEventListener("abort", abort);
    machine.kill();
    await machine.ended;
  }
}
