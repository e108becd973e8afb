// What a boot costs in instructions, Xen's own included: hello, the same in C, and a guest that halts at once.
// By Xen's timestamps under -icount, in us, which are thousands of instructions.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import wabt from "wabt";

import { boot, build, folder, progress } from "./ground.js";

export interface BootCost {
  /** From Xen's last line before it starts the domain; thousands of instructions. */
  toFirstLine: number;
  toHalted: number;
}

/** A module that calls the C beside it, and nothing else. */
async function helloInC(): Promise<string> {
  const text =
    '(module (import "native" "hello" (func $hello)) (func (export "_start") (call $hello)))';
  const module = (await wabt()).parseWat("hello.wat", text);
  const file = join(folder, "hello-c.wasm");
  await writeFile(file, module.toBinary({}).buffer);
  return build(file, "hello-c", { native: ["bench/guests/hello.c"] });
}

async function cost(name: string, image: string): Promise<BootCost> {
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
  const start = at(/Freed \d+kB init memory/);
  return {
    toFirstLine: at(/ log:Hello/) - start,
    toHalted: at(/Hardware Dom0 (?:halted|shutdown)|Domain 0 (?:halted|shutdown)/) - start,
  };
}

export async function bootCosts(
  hello: string,
  halting: string,
): Promise<Record<"hello" | "c" | "halt", BootCost>> {
  progress.start("boot, by instructions");
  return {
    hello: await cost("hello", hello),
    c: await cost("c", await helloInC()),
    halt: await cost("halt", halting),
  };
}
