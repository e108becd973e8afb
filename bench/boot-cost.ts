// What a boot costs in instructions, Xen's own included: hello, the same in C, and a guest that halts at once.
// By Xen's timestamps under -icount, in us, which are thousands of instructions.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import wabt from "wabt";

import { withRunBlock } from "../src/host/elf/run-block.js";
import { boot, build, folder, measured, progress } from "./setup.js";

/** From Xen's last line before it starts the domain; thousands of instructions. */
export interface BootCost {
  /** Of a guest that ends there; NaN for one that prints nothing. */
  toFirstLine: number;
  toHalted: number;
}

/** A module that calls these functions of the C beside it, and nothing else. */
async function inC(name: string, functions: string[]): Promise<string> {
  const imports = functions.map((one) => `(import "native" "${one}" (func $${one}))`);
  const calls = functions.map((one) => `(call $${one})`);
  const text = `(module ${imports.join("")} (func (export "_start") ${calls.join("")}))`;
  const module = (await wabt()).parseWat(`${name}.wat`, text);
  const file = join(folder, `${name}.wasm`);
  await writeFile(file, module.toBinary({}).buffer);
  return build(file, name, { native: ["bench/guest/hello.c"] });
}

/** Until the domain has ended; thousands of instructions. */
async function cost(name: string, image: string): Promise<number> {
  const log = join(folder, `${name}.log`);
  await boot(image, {
    icount: true,
    xenArgs: ["console_timestamps=boot"],
    log,
    timeoutMs: 60_000,
  });
  const lines = (await readFile(log, "utf8")).split("\n");
  const at = (what: RegExp): number => {
    const line = lines.find((one) => what.test(one));
    const [, seconds = "NaN"] = /\[ *(\d+\.\d{6})\]/.exec(line ?? "") ?? [];
    return Number(seconds) * 1e6;
  };
  return (
    at(/Hardware Dom0 (?:halted|shutdown)|Domain 0 (?:halted|shutdown)/) -
    at(/Freed \d+kB init memory/)
  );
}

export async function bootCosts(
  hello: string,
  halting: string,
): Promise<Record<"hello" | "c" | "page" | "halt", BootCost>> {
  progress.start("boot, by instructions");
  const page = await build("examples/hello.ts", "hello-page", { hypercall: "page" });
  const firstLine = await build("bench/guest/first-line.ts", "first-line");
  return {
    hello: {
      toFirstLine: await cost("first-line", firstLine),
      toHalted: await cost("hello", hello),
    },
    c: {
      toFirstLine: await cost("first-line-c", await inC("first-line-c", ["hello", "power_off"])),
      toHalted: await cost("hello-c", await inC("hello-c", ["hello"])),
    },
    page: { toFirstLine: Number.NaN, toHalted: await cost("hello-page", page) },
    halt: { toFirstLine: Number.NaN, toHalted: await cost("halt", halting) },
  };
}

/** hello as a domain, to its end, in thousands of instructions: with records by the console's ring, and by the debug port alone. */
export async function domainCosts(hello: string): Promise<{ ring: number; port: number }> {
  progress.start("a domain, by instructions");
  const toolstack = await build("bench/guest/domain.ts", "domain");
  const costs = { ring: Number.NaN, port: Number.NaN };
  for (const way of ["ring", "port"] as const) {
    const image = join(folder, `hello-${way}.elf`);
    const run = { nonce: "bench", way: "domu", name: "hello", records: way };
    await writeFile(image, withRunBlock(await readFile(hello), run));
    const result = await boot(toolstack, {
      icount: true,
      modules: [image],
      domUMiB: 32,
      timeoutMs: 60_000,
    });
    costs[way] = measured(result, "domain") / 1000;
  }
  return costs;
}
