// Many modules in one image, one boot: their C is compiled a few dozen to a file, and driver.c runs them in turn.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { KINDS } from "../../src/host/cache/kinds.js";
import {
  bootFlags,
  commonFlags,
  compileC,
  digestOfToolchain,
  fixedObjects,
  link,
  loweredFlags,
} from "../../src/host/build/link/toolchain.js";
import { digest, digestFolder, loadStage, storeStage } from "../../src/host/cache/stage-cache.js";
import type { WasmModule } from "../../src/host/build/lower/decode/module.js";
import { emitModule, type Sink } from "../../src/host/build/lower/emit/module-text.js";
import type { Statements } from "../../src/host/build/lower/emit/statements.js";
import { resultType } from "../../src/host/build/lower/emit/symbols.js";
import { packageRoot } from "../../src/host/base/package-root.js";
import type { Exposed } from "./exports.js";
import { FUEL, type Argument, type Call } from "./outcome.js";

export interface Case {
  /** Names it in the image and in the guest's answers. */
  number: number;
  exposed: Exposed;
  calls: Call[];
}

export interface BatchOptions {
  /** More flags for the modules' C: what another way to lower would change. */
  flags?: string[];
  /** Where the image goes. */
  output: string;
  /** How many compilers at a time; default: one for each CPU. */
  jobs?: number;
  /** Whether objects are kept for the next build of the same modules; default true. */
  cache?: boolean;
}

/** Modules to a C file: enough that gcc's start does not count, few enough for two of them to run at a time. */
const MODULES_A_FILE = 25;
/** Page tables for the image, 2 MiB each. */
const KERNEL_PAGE_TABLES = 64;

/** In a way that gcc cannot see the value, or it would do the whole call when it compiles. */
function argumentText(argument: Argument): string {
  if (argument.type === "ref") return "{0}"; // a null, of either kind
  const bits = `0x${argument.bits.toString(16)}`;
  const narrow = argument.type === "i32" || argument.type === "f32";
  const hidden = narrow ? `hidden_i32(${bits}u)` : `hidden_i64(${bits}ull)`;
  if (argument.type === "f32") return `f32_reinterpret_i32(${hidden})`;
  if (argument.type === "f64") return `f64_reinterpret_i64(${hidden})`;
  return hidden;
}

const C_TYPES: Record<string, string> = { funcref: "funcref", externref: "externref" };

/** The lowered functions, one after another. */
class Texts implements Sink {
  readonly all: string[] = [];

  function(statements: Statements, before: string, after: string): void {
    this.all.push(statements.compose(before, after, "", 0).plain);
  }

  text(text: string): void {
    this.all.push(text);
  }
}

/** A module's C, whose names all begin with `prefix`. Its data is copied: no loader knows of it. */
export function loweredText(module: WasmModule, prefix: string): string {
  const texts = new Texts();
  const options = {
    prefix,
    copied: new Set(module.data),
    oneFile: true,
    objectHeaders: false,
    localNames: false,
    sourceMap: "",
  };
  const header = emitModule(module, options, null, texts);
  return [header, ...texts.all].join("\n");
}

function callText({ exposed }: Case, prefix: string, number: number, call: Call): string {
  const index = exposed.functions.findIndex((one) => one.name === call.name);
  const parameters = exposed.functions[index]?.parameters ?? [];
  const fuel = exposed.globals
    .map((global, at) => (global.fuel ? `    ${prefix}g${String(at)} = ${String(FUEL)};\n` : ""))
    .join("");
  const values = call.arguments.map((argument, at) =>
    argument.type === "ref"
      ? `(${C_TYPES[parameters[at] ?? ""] ?? ""})${argumentText(argument)}`
      : argumentText(argument),
  );
  const run = `${prefix}fn_${call.name}(${values.join(", ")})`;
  const [first] = call.results;
  const type = exposed.module.functions[index];
  const body =
    first === undefined
      ? `${run};`
      : call.results.length === 1 || type === undefined
        ? `saw_${first}(${run});`
        : `${resultType(type)} result = ${run};\n` +
          call.results.map((one, at) => `    saw_${one}(result.r${String(at)});`).join("\n");
  return `static void ${prefix}call${String(number)}(void)\n{\n${fuel}    ${body}\n}\n`;
}

/** One module's C, and its row in the table of cases. */
function caseText(one: Case): string {
  const { number, exposed, calls } = one;
  const prefix = `m${String(number)}_`;
  const functions = calls.map((call, index) => callText(one, prefix, index, call));
  const globals = exposed.globals.map(
    (global, index) => `    saw_${global.type}(${prefix}g${String(index)});`,
  );
  return [
    loweredText(exposed.module, prefix),
    ...functions,
    `static void ${prefix}globals(void)\n{\n${globals.join("\n")}\n}\n`,
    `static void (*const ${prefix}calls[])(void) = {${calls.map((_, index) => `${prefix}call${String(index)}`).join(", ")}};`,
    `const struct fuzz_case ${prefix}case = {${String(number)}, ${String(exposed.module.memory?.minimum ?? 0)}, ${prefix}instantiate, ${prefix}calls,`,
    `    ${String(calls.length)}, ${prefix}globals, ${String(exposed.memory)}};`,
  ].join("\n");
}

function tableText(cases: Case[]): string {
  return [
    '#include "driver.h"',
    ...cases.map(({ number }) => `extern const struct fuzz_case m${String(number)}_case;`),
    `const struct fuzz_case *const fuzz_cases[] = {${cases.map(({ number }) => `&m${String(number)}_case`).join(", ")}};`,
    `const uint32_t fuzz_case_count = ${String(cases.length)};`,
    "",
  ].join("\n");
}

async function mapSome<T, R>(
  items: T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/** The same text, compiled in the same way, is compiled once: fixed seeds cost their time in the first run. */
async function compileCached(
  source: string,
  object: string,
  flags: string[],
  folder: string,
): Promise<void> {
  const key = digest(
    await digestOfToolchain(),
    ...["fuzz", "wast"].map((one) =>
      digestFolder(join(packageRoot, "test", one), (name) => name.endsWith(".h")),
    ),
    await readFile(source),
    ...flags.map((flag) => flag.replaceAll(folder, "")),
  );
  const found = await loadStage(KINDS.lowered, key);
  if (found?.["object"]) return writeFile(object, found["object"]);
  await compileC(source, object, flags);
  await storeStage(KINDS.lowered, key, { object: await readFile(object) });
}

/** C that runs in one guest, for a program of its own that goes through it. */
export interface Program {
  /** By name. */
  sources: Map<string, string>;
  /** The program: a file of C, whose folder the sources may include from. */
  driver: string;
}

/** Builds an image of the sources and their driver. `flags` are for the sources only. */
export async function buildProgram(
  { sources, driver }: Program,
  { flags = [], output, jobs = availableParallelism(), cache = true }: BatchOptions,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-fuzz-"));
  try {
    const fuzz = join(packageRoot, "test", "fuzz");
    const defines = [`-DKERNEL_PT_PAGES=${String(KERNEL_PAGE_TABLES)}`];
    const fixed = fixedObjects("page", { flags: defines });
    fixed.catch(() => undefined);
    const common = [
      ...commonFlags("page"),
      ...loweredFlags,
      "-g0",
      "-w",
      "-I",
      folder,
      "-I",
      dirname(driver),
      "-I",
      fuzz,
      ...defines,
    ];
    for (const [name, text] of sources) await writeFile(join(folder, name), text);
    const objects = await mapSome(
      [
        ...[...sources.keys()].map((name) => [join(folder, name), [...common, ...flags]] as const),
        [driver, common],
        [join(fuzz, "caught.c"), [...common, "-mgeneral-regs-only"]],
        [join(fuzz, "remap.c"), [...commonFlags("page"), ...bootFlags, ...defines]],
      ] as [string, string[]][],
      jobs,
      async ([source, all]) => {
        const object = `${join(folder, basename(source))}.o`;
        if (cache) await compileCached(source, object, all, folder);
        else await compileC(source, object, all);
        return object;
      },
    );
    const linear = join(folder, "linear.S");
    await writeFile(
      linear,
      '.section .linear, "aw", @progbits\n.section .note.GNU-stack, "", @progbits\n',
    );
    await compileC(linear, `${linear}.o`, common);
    const booted = (await fixed).filter((object) => basename(object) !== "memory.c.o");
    await link([...booted, ...objects, `${linear}.o`], output, {
      hypercall: "page",
      nullPage: "allow",
      folder,
      flags: defines,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Builds an image of them. */
export async function buildBatch(cases: Case[], options: BatchOptions): Promise<void> {
  const sources = new Map<string, string>();
  for (let start = 0; start < cases.length; start += MODULES_A_FILE) {
    const texts: string[] = ['#include "driver.h"'];
    for (const one of cases.slice(start, start + MODULES_A_FILE)) texts.push(caseText(one));
    sources.set(`batch${String(start)}.c`, texts.join("\n"));
  }
  sources.set("table.c", tableText(cases));
  const driver = join(packageRoot, "test", "fuzz", "driver.c");
  await buildProgram({ sources, driver }, options);
}
