// asc in threads: a compilation can be ended at any moment, and what crashes in it does not take the command with it.

import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { packageRoot } from "../../base/package-root.js";
import { BuildError } from "../build-error.js";
import type { Compiled, Job, Look, Outcome } from "./job.js";
import { given } from "../../base/given.js";

/** For sources that are nested as deep as programs write them; the pages are taken when they are used. */
const STACK_MIB = 64;

const idle: Worker[] = [];
let running = 0;
/** Jobs that wait for a thread. */
const waiting: (() => void)[] = [];

/**
 * Compiles, in one of as many threads as there are processors. Rejects with a BuildError that has asc's messages, and
 * with the signal's reason as soon as that is aborted.
 *
 * `once`: the thread ends with the job. For transforms, which are loaded once in a thread and may leave anything.
 * `onLooks`: what asc has looked for, also where it found something wrong.
 */
export async function compileInThread(
  job: Job,
  {
    once = false,
    onLooks,
    signal,
  }: { once?: boolean; onLooks?: (looks: readonly Look[]) => void; signal?: AbortSignal } = {},
): Promise<Compiled> {
  while (running >= availableParallelism()) {
    await new Promise<void>((resolve) => waiting.push(resolve));
    signal?.throwIfAborted();
  }
  running++;
  try {
    const worker = (once ? undefined : idle.pop()) ?? (await startWorker());
    signal?.throwIfAborted();
    const outcome = await runJob(worker, job, signal);
    if (once) void worker.terminate();
    else {
      worker.unref(); // a command does not wait for it
      idle.push(worker);
    }
    if (outcome.type === "compiled") onLooks?.(outcome.compiled.looks);
    if (outcome.type === "refused") onLooks?.(outcome.looks);
    return compiledOf(outcome);
  } finally {
    running--;
    waiting.shift()?.();
  }
}

function compiledOf(outcome: Outcome): Compiled {
  switch (outcome.type) {
    case "compiled":
      return outcome.compiled;
    case "refused":
      throw new BuildError(outcome.messages.join("").trim() || "asc produced no module");
    case "failed": {
      const { message, hint } = outcome;
      throw new BuildError(message, given({ hint }));
    }
  }
}

/** A thread that fails, or is ended by the signal, is not used again. */
async function runJob(worker: Worker, job: Job, signal: AbortSignal | undefined): Promise<Outcome> {
  const ended = new AbortController();
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      const { signal: until } = ended;
      const fail = (error: unknown): void => {
        void worker.terminate();
        reject(error instanceof Error ? error : new Error(String(error)));
      };
      const on = (event: string, listener: (value: unknown) => void): void => {
        worker.on(event, listener);
        until.addEventListener("abort", () => void worker.off(event, listener));
      };
      on("message", (outcome) => {
        resolve(outcome as Outcome);
      });
      on("error", (error) => {
        fail(crashOf(error));
      });
      on("exit", (code) => {
        fail(new BuildError(`the compiler's thread ended with code ${String(code)}`));
      });
      signal?.addEventListener(
        "abort",
        () => {
          fail(signal.reason);
        },
        { signal: until },
      );
      worker.ref();
      worker.postMessage(job);
    });
  } finally {
    ended.abort();
  }
}

/** An error that was not caught in the thread. */
function crashOf(error: unknown): BuildError {
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY")
    return new BuildError("asc ran out of memory", {
      hint: "NODE_OPTIONS=--max-old-space-size=8192 xenlet …",
      cause: error,
    });
  return new BuildError(`asc, or a transform, failed: ${message}`, { cause: error });
}

async function startWorker(): Promise<Worker> {
  const worker = new Worker(await workerProgram(), {
    name: "asc",
    resourceLimits: { stackSizeMb: STACK_MIB },
    stdin: true, // not the command's
  });
  worker.setMaxListeners(0);
  return worker;
}

let program: Promise<string> | undefined;

/**
 * The thread's program is a file beside the command in dist/. Where this runs from the repository's sources instead,
 * or from a program that was bundled on its own, it is bundled from them: Node does not run TypeScript.
 */
async function workerProgram(): Promise<string> {
  program ??= (async () => {
    const dist = join(packageRoot, "dist");
    if (fileURLToPath(import.meta.url).startsWith(dist + sep)) return join(dist, "asc-worker.js");
    return bundleWorker(join(packageRoot, "src/host/build/asc/worker.ts"));
  })();
  return program;
}

async function bundleWorker(source: string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [source],
    outfile: "worker.mjs",
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    tsconfigRaw: {},
    sourcemap: "inline",
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error(`${source} was not bundled`);
  const name = `asc-worker-${Buffer.from(bundle.hash).toString("base64url")}.mjs`;
  const file = join(packageRoot, "node_modules/.cache/run-ts", name);
  if (existsSync(file)) return file;
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${randomUUID()}`;
  try {
    await writeFile(partial, bundle.contents);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
  return file;
}
