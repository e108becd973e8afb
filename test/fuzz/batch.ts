// Many modules in one image, one boot: their C is compiled a few dozen to a file, and driver.c runs them in turn.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join } from "node:path";

import { KINDS } from "../../src/host/cache/kinds.js";
import {
  commonFlags,
  compileC,
  digestOfToolchain,
  fixedObjects,
  link,
  loweredFlags,
} from "../../src/host/build/link/toolchain.js";
import { digest, digestFolder, loadStage, storeStage } from "../../src/host/cache/stage-cache.js";
import { forAnyModule } from "../../src/host/build/lower/lowered-c.js";
import { wasm2c } from "../../src/host/build/lower/wasm2c.js";
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

/** What wasm2c calls by the same name in every module. */
const COMMON_NAMES = [
  "globals",
  "memories",
  "tables",
  "data_instances",
  "elem_instances",
  "instance_import",
];

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

const C_TYPES: Record<string, string> = {
  funcref: "wasm_rt_funcref_t",
  externref: "wasm_rt_externref_t",
};
/** The letters in wasm2c's names for the types of several results. */
const LETTERS: Record<string, string> = {
  i32: "i",
  i64: "j",
  f32: "f",
  f64: "d",
  funcref: "r",
  externref: "e",
};

/**
 * What gcc need not compile, which in small modules is half of its work: functions that nothing calls, and for each
 * export a function that only calls another.
 */
export function withoutFrame(text: string): string {
  return text
    .replace(
      /^(?:void wasm2c_\w+_free|wasm_rt_func_type_t wasm2c_\w+_get_func_type)\([^;{]*\) \{\n[^]*?^\}\n/gm,
      "",
    )
    .replace(
      /^(\/\* export: '.*' \*\/\n)(?=\w)/gm,
      "$1static inline __attribute__((always_inline)) ",
    );
}

function callText({ exposed }: Case, name: string, number: number, call: Call): string {
  const parameters = exposed.functions.find((one) => one.name === call.name)?.parameters ?? [];
  const fuel = exposed.globals
    .filter((global) => global.fuel)
    .map((global) => `    *w2c_${name}_${global.name}(&instance_${name}) = ${String(FUEL)};\n`)
    .join("");
  const values = call.arguments.map((argument, index) =>
    argument.type === "ref"
      ? `(${C_TYPES[parameters[index] ?? ""] ?? ""})${argumentText(argument)}`
      : argumentText(argument),
  );
  const run = `w2c_${name}_${call.name}(&instance_${name}${values.map((value) => `, ${value}`).join("")})`;
  const [first] = call.results;
  const body =
    first === undefined
      ? `${run};`
      : call.results.length === 1
        ? `saw_${first}(${run});`
        : `struct wasm_multi_${call.results.map((type) => LETTERS[type]).join("")} result = ${run};\n` +
          call.results
            .map((type, index) => `    saw_${type}(result.${LETTERS[type] ?? ""}${String(index)});`)
            .join("\n");
  return `static void ${name}_call${String(number)}(void)\n{\n${fuel}    ${body}\n}\n`;
}

/** One module's C, and its row in the table of cases. */
function caseText(one: Case, c: string, header: string): string {
  const { number, exposed, calls } = one;
  const name = `m${String(number)}`;
  const functions = calls.map((call, index) => callText(one, name, index, call));
  const globals = exposed.globals.map(
    (global) => `    saw_${global.type}(*w2c_${name}_${global.name}(&instance_${name}));`,
  );
  return [
    ...COMMON_NAMES.flatMap((what) => [
      `#undef init_${what}`,
      `#define init_${what} ${name}_init_${what}`,
    ]),
    withoutFrame(header),
    withoutFrame(c).replace(/^#include .*$/gm, ""),
    `w2c_${name} instance_${name};`,
    ...functions,
    `static void ${name}_globals(void)\n{\n${globals.join("\n")}\n}\n`,
    `static void ${name}_instantiate(void)\n{\n    wasm2c_${name}_instantiate(&instance_${name});\n}\n`,
    `static void (*const ${name}_calls[])(void) = {${calls.map((_, index) => `${name}_call${String(index)}`).join(", ")}};`,
    `const struct fuzz_case ${name}_case = {${String(number)}, ${String(exposed.module.initialPages)}, ${name}_instantiate, ${name}_calls,`,
    `    ${String(calls.length)}, ${name}_globals, ${exposed.memory ? `&instance_${name}.w2c_memory` : "NULL"}};`,
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
    await digestFolder(join(packageRoot, "test", "fuzz"), (name) => name === "driver.h"),
    await readFile(source),
    ...flags.map((flag) => flag.replaceAll(folder, "")),
  );
  const found = await loadStage(KINDS.lowered, key);
  if (found?.["object"]) return writeFile(object, found["object"]);
  await compileC(source, object, flags);
  await storeStage(KINDS.lowered, key, { object: await readFile(object) });
}

/** Builds an image of them. */
export async function buildBatch(
  cases: Case[],
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
      fuzz,
      ...defines,
    ];
    const sources: string[] = [];
    for (let start = 0; start < cases.length; start += MODULES_A_FILE) {
      const texts: string[] = ['#include "driver.h"'];
      for (const one of cases.slice(start, start + MODULES_A_FILE)) {
        const name = `m${String(one.number)}`;
        await writeFile(join(folder, `${name}.wasm`), one.exposed.wasm);
        const { c, header } = forAnyModule(await wasm2c(folder, name));
        texts.push(caseText(one, c, header));
      }
      const source = join(folder, `batch${String(start)}.c`);
      await writeFile(source, texts.join("\n"));
      sources.push(source);
    }
    const table = join(folder, "table.c");
    await writeFile(table, tableText(cases));
    const objects = await mapSome(
      [
        ...sources.map((source) => [source, flags] as const),
        [table, []] as const,
        [join(fuzz, "driver.c"), []] as const,
      ],
      jobs,
      async ([source, more]) => {
        const object = `${join(folder, basename(source))}.o`;
        const all = [...common, ...more];
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
    await link([...(await fixed), ...objects, `${linear}.o`], output, {
      hypercall: "page",
      nullPage: "allow",
      folder,
      flags: defines,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
