/**
 * Saved states of machines, in the cache: Xen is up, and xenlet's toolstack waits for its job. QEMU accepts a state of
 * another CPU, another number of them or another Xen's arguments silently, and then it is another machine; so a
 * state is known by everything that its machine was made of.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Progress } from "../base/progress.js";
import { Cache, type Entry } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import type { Qemu } from "../debian/index.js";
import { withoutStart } from "./qemu.js";
import { BOOT_LOG, RAM, STATE } from "./state-files.js";

/** In place of an entry's files, where saving failed: why. */
const FAILURE = "failure";

/** How long to wait before trying again after saving failed. */
const FAILED_MS = 10 * 60 * 1000;
/** To be raised when what a state holds changes by other things than its key has. */
const FORMAT = 2;

export interface SavedState {
  /** QEMU's own file. */
  file: string;
  /** The machine's memory. */
  ram: string;
  /** What the console said until the state was saved. */
  bootLog: string[];
  /** Removes it: it is of no use. */
  discard(): Promise<void>;
}

export interface StateOptions {
  qemu: Qemu;
  /** The hypervisor's file and the toolstack's. */
  xen: string;
  toolstack: string;
  /** For a boot from the start. */
  args: string[];
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
  onNote?: ((text: string) => void) | undefined;
}

/** The state for such a machine, saved now if there is none; null if that fails; then a note has said why. */
export async function provideState(options: StateOptions): Promise<SavedState | null> {
  const { signal } = options;
  const cache = new Cache();
  const name = await keyOf(options);
  const failed = `${name}.failed`;
  try {
    const before = await cache.find(KINDS.machines, failed);
    if ("tree" in before && Date.now() - Date.parse(before.manifest.created) < FAILED_MS)
      return null;
    const entry = await cache.provide(
      KINDS.machines,
      name,
      async ({ tree, scratch }) => {
        await save(options, tree, scratch);
        return undefined;
      },
      { signal },
    );
    return await readState(cache, entry);
  } catch (error) {
    signal?.throwIfAborted();
    const { message } = error as Error;
    options.onNote?.(
      `boots start from the beginning, because the machine's state could not be saved: ${message}`,
    );
    await cache
      .replace(KINDS.machines, failed, async ({ tree }) => {
        await writeFile(path.join(tree, FAILURE), `${message}\n`);
        return undefined;
      })
      .catch(() => undefined);
    return null;
  }
}

async function save(options: StateOptions, folder: string, scratch: string): Promise<void> {
  const { qemu, progress, signal } = options;
  progress?.start("saving the booted machine for later runs");
  try {
    // Loaded when it is needed: most runs find a state.
    const { saveState } = await import("./save-state.js");
    await saveState({ qemu, args: withoutJob(options.args), folder, scratch, signal });
    progress?.done("saved the booted machine for later runs");
  } catch (error) {
    progress?.fail("failed to save the booted machine");
    throw error;
  }
}

function withoutJob(args: string[]): string[] {
  const at = args.indexOf("-fw_cfg");
  return at < 0 ? args : args.toSpliced(at, 2);
}

async function readState(cache: Cache, { name, tree }: Entry): Promise<SavedState> {
  const log = await readFile(path.join(tree, BOOT_LOG), "latin1");
  return {
    file: path.join(tree, STATE),
    ram: path.join(tree, RAM),
    bootLog: log.split("\n").filter((line) => line !== ""),
    discard: () => cache.remove(KINDS.machines, name),
  };
}

async function keyOf({ qemu, xen, toolstack, args }: StateOptions): Promise<string> {
  const files = await Promise.all([xen, toolstack].map(digestOf));
  const append = args[args.indexOf("-append") + 1];
  const parts = [FORMAT, files, await identityOf(qemu), withoutStart(args), append, hostCpu()];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 24);
}

async function digestOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

/** Its version, and of each file that its command names size and time: hashing them would take longer than a boot. */
async function identityOf(qemu: Qemu): Promise<unknown> {
  const named = [qemu.command, ...qemu.args].filter((word) => path.isAbsolute(word));
  const found = await Promise.all(named.map(async (file) => stat(file).catch(() => null)));
  const files = found.map((info) => (info?.isFile() ? [info.size, info.mtimeMs] : null));
  return [qemu.version, named, files];
}

/** A TSC is the host's, and Xen has measured its frequency. */
function hostCpu(): string {
  try {
    return /^model name\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "latin1"))?.[1] ?? "";
  } catch {
    return "";
  }
}
