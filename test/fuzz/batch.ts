// Many modules in one image, one boot: their C is compiled a few dozen to a file, and driver.c runs them in turn.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

import { cacheFolder } from "../../src/cache-folder.js";
import {
  commonFlags,
  compileC,
  fixedObjects,
  link,
  loweredFlags,
} from "../../src/image/toolchain.js";
import { wasm2c } from "../../src/image/wasm2c.js";
import { packageRoot } from "../../src/package-root.js";
import type { Exposed } from "./exports.js";
import type { Argument, Call } from "./outcome.js";

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

function argumentText(argument: Argument): string {
  if (argument.type === "ref") return "{0}"; // a null, of either kind
  const bits = `0x${argument.bits.toString(16)}`;
  if (argument.type === "f32") return `f32_reinterpret_i32(${bits}u)`;
  if (argument.type === "f64") return `f64_reinterpret_i64(${bits}ull)`;
  return bits + (argument.type === "i64" ? "ull" : "u");
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

function callText(name: string, number: number, call: Call, parameters: string[]): string {
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
  return `static void ${name}_call${String(number)}(void)\n{\n    ${body}\n}\n`;
}

/** One module's C, and its row in the table of cases. */
function caseText({ number, exposed, calls }: Case, c: string, header: string): string {
  const name = `m${String(number)}`;
  const functions = calls.map((call, index) => {
    const { parameters } = exposed.functions.find((one) => one.name === call.name) ?? {
      parameters: [],
    };
    return callText(name, index, call, parameters);
  });
  const globals = exposed.globals.map(
    (global) => `    saw_${global.type}(*w2c_${name}_${global.name}(&instance_${name}));`,
  );
  return [
    ...COMMON_NAMES.flatMap((one) => [
      `#undef init_${one}`,
      `#define init_${one} ${name}_init_${one}`,
    ]),
    header,
    c.replace(/^#include .*$/gm, ""),
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

/** Builds an image of them. */
export async function buildBatch(
  cases: Case[],
  { flags = [], output }: BatchOptions,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-fuzz-"));
  try {
    const fuzz = join(packageRoot, "test", "fuzz");
    const defines = [`-DKERNEL_PT_PAGES=${String(KERNEL_PAGE_TABLES)}`];
    const fixed = fixedObjects("page", cacheFolder(), { flags: defines });
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
        const { c, header } = await wasm2c(folder, name);
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
      availableParallelism(),
      async ([source, more]) => {
        const object = `${join(folder, source.split("/").at(-1) ?? "")}.o`;
        await compileC(source, object, [...common, ...more]);
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
