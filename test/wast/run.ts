// Runs scripts in guests: as many to a boot as fit into an image.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { createProgress } from "../../src/host/base/progress.js";
import { packageRoot } from "../../src/host/base/package-root.js";
import { bootGuest } from "../../src/host/boot/boot.js";
import type { CpuLevel } from "../../src/host/base/cpu-level.js";
import { cpuFlags } from "../../src/host/build/link/toolchain.js";
import { provideQemu, provideXen } from "../../src/host/debian/index.js";
import { fieldsOf } from "../../src/host/protocol/record.js";
import { buildProgram } from "../fuzz/batch.js";
import { prepareScript, type Note, type PreparedScript } from "./prepare.js";

export interface ScriptResult {
  name: string;
  right: number;
  wrong: Note[];
  skipped: Note[];
}

export interface RunOptions {
  /** More flags for the scripts' C: another way to lower, or a wrong one, to see that it is found. */
  flags?: string[];
  /** What the scripts' C is compiled for, and the guest's CPU is. */
  cpu?: CpuLevel;
  jobs?: number;
  onStage?: (stage: string) => void;
}

const quiet = createProgress(process.stderr, { quiet: true });
/** C for one image, in characters. */
const MOST_TEXT = 24_000_000;

function tableText(scripts: number[]): string {
  return [
    '#include "driver.h"',
    ...scripts.map((index) => `extern const struct wast_script script${index};`),
    `const struct wast_script *const wast_scripts[] = {${scripts.map((index) => `&script${index}`).join(", ")}};`,
    `const u32 wast_script_count = ${scripts.length};`,
    "",
  ].join("\n");
}

/** Of one boot: the wrong steps, by their number, each with what it came to. */
async function bootScripts(
  scripts: Map<number, PreparedScript>,
  { flags = [], cpu = "x86-64", jobs }: RunOptions,
): Promise<{ wrong: Map<number, string>; right: number }> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-wast-"));
  try {
    const image = join(folder, "scripts.elf");
    const sources = new Map<string, string>(
      [...scripts].map(([index, { text }]) => [`script${index}.c`, text] as const),
    );
    sources.set("table.c", tableText([...scripts.keys()]));
    const driver = join(packageRoot, "test", "wast", "driver.c");
    await buildProgram(
      { sources, driver },
      {
        output: image,
        flags: [...cpuFlags(cpu), ...flags],
        ...(jobs === undefined ? {} : { jobs }),
      },
    );
    const [xen, qemu] = [await provideXen("4.17", quiet), await provideQemu(quiet)];
    const result = await bootGuest({
      image,
      xen,
      qemu,
      on: "dom0",
      cpu,
      memoryMiB: 512,
      timeoutMs: 120_000,
    });
    if (result.verdict !== "exit" || result.damage.length > 0)
      throw new Error(`the guest did not finish: ${result.message}\n${result.tail.join("\n")}`);
    const wrong = new Map<number, string>();
    let right = 0;
    for (const record of result.records) {
      const fields = fieldsOf(record);
      if (record.kind === "right") right = Number(fields?.get("count"));
      if (record.kind === "wrong")
        wrong.set(Number(fields?.get("step")), record.payload.replace(/^step=\d+ /, ""));
    }
    return { wrong, right };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Adds what a guest found to what is known of the scripts without one. */
async function runInGuest(
  scripts: Map<number, PreparedScript>,
  results: ScriptResult[],
  options: RunOptions,
): Promise<void> {
  if (scripts.size === 0) return;
  options.onStage?.(`${scripts.size} scripts in one guest`);
  const { wrong, right } = await bootScripts(scripts, options);
  const steps = [...scripts].flatMap(([index, script]) =>
    script.steps.map((step, at) => ({ ...step, index, number: script.firstStep + at })),
  );
  if (right + wrong.size !== steps.length)
    throw new Error(`the guest went through ${right + wrong.size} of ${steps.length} steps`);
  for (const { index, number, line, why } of steps) {
    const result = results[index];
    const found = wrong.get(number);
    if (result === undefined) continue;
    if (found === undefined) result.right++;
    else result.wrong.push({ line, why: `${why}: ${found}` });
  }
}

/** Runs each file, and says of each assertion whether it holds. Throws if a guest does not come to its end. */
export async function runScripts(
  files: string[],
  options: RunOptions = {},
): Promise<ScriptResult[]> {
  const results: ScriptResult[] = [];
  const waiting = new Map<number, PreparedScript>();
  let [steps, size] = [0, 0];
  for (const [index, file] of files.entries()) {
    const name = basename(file);
    const script = await prepareScript(name, await readFile(file, "utf8"), index, steps);
    steps += script.steps.length;
    results.push({ name, right: script.right, wrong: script.wrong, skipped: script.skipped });
    if (script.text === "") continue;
    if (size + script.text.length > MOST_TEXT) {
      await runInGuest(waiting, results, options);
      waiting.clear();
      size = 0;
    }
    size += script.text.length;
    waiting.set(index, script);
  }
  await runInGuest(waiting, results, options);
  return results;
}
