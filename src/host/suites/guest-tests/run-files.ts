/** Many test files, several at a time. */
import { readdir, stat } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { UserError } from "../../base/errors.js";
import { nameXen } from "../../boot/xen-name.js";
import type { FileResult, RunResult } from "./model.js";
import { runTestFile, type TestOptions } from "./run-file.js";

export interface RunOptions extends TestOptions {
  /** How many guests at a time: 1 or more. */
  jobs: number;
  /** So many tests may fail; then no more is run. */
  bail?: number;
  /** In the order in which they come to their end. */
  onFile?(result: FileResult): void;
}

/**
 * Runs them all; the results are in the order of `files`. Rejects only when
 * `signal` is aborted, once every QEMU has exited.
 */
export async function runTestFiles(files: string[], options: RunOptions): Promise<RunResult> {
  const start = performance.now();
  const began = new Date().toISOString();
  const results: FileResult[] = [];
  const waiting = files.entries();
  let failures = 0;
  const { bail = Infinity } = options;
  const worker = async (): Promise<void> => {
    for (const [index, file] of waiting) {
      const result =
        failures >= bail
          ? notRun(file, "enough tests have failed (--bail)")
          : await runTestFile(file, { ...options, onFailure: () => ++failures >= bail });
      results[index] = result;
      options.onFile?.(result);
    }
  };
  const ended = await Promise.allSettled(
    Array.from({ length: Math.min(options.jobs, files.length) }, worker),
  );
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return {
    xen: nameXen(options.xen),
    files: results,
    durationMs: performance.now() - start,
    machine: { began, hostname: hostname(), qemu: options.qemu.version },
  };
}

/** A file that is not run, and why. */
export function notRun(file: string, why: string): FileResult {
  return {
    file,
    children: [],
    problem: null,
    notRun: why,
    output: [],
    durationMs: 0,
    buildMs: 0,
    log: null,
  };
}

/**
 * The test files that paths stand for: a file is one; a folder has those below
 * it whose name ends in .ts, but for declarations (.d.ts), names that begin with
 * `_` or `.`, and node_modules. Throws a UserError if there are none.
 */
export async function findTestFiles(paths: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const one of paths) {
    const info = await stat(one).catch((cause: unknown) => {
      throw new UserError(`cannot read ${one}: ${(cause as Error).message}`, { cause });
    });
    if (!info.isDirectory()) {
      if (!one.endsWith(".ts"))
        throw new UserError(`${one} is not a guest's source: expected a folder or FILE.ts`);
      found.push(path.normalize(one));
      continue;
    }
    const below = await testFilesBelow(one);
    if (below.length === 0)
      throw new UserError(`there are no test files in ${one}: expected *.ts in it, or below`);
    found.push(...below);
  }
  return [...new Set(found)];
}

async function testFilesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of entries) {
    if (/^[_.]|^node_modules$/.test(entry.name)) continue;
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await testFilesBelow(full)));
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")) found.push(full);
  }
  return found;
}
