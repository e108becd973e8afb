// Random modules from seeds: Binaryen's own fuzzer makes valid Wasm of any bytes.
//
// It bounds every loop and every recursion by a counter that traps at 100, so that no module runs for long and none
// comes near the end of a stack, V8's or ours: where that is, is not Wasm's business. `--denan` makes a 0 of
// every NaN that an operation leaves, since which NaN it is, is not either; what NaN is left is compared as "a NaN".

import { createRequire } from "node:module";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { randomUUID } from "node:crypto";

import { EmscriptenTool } from "./emscripten.js";
import { random } from "../fixtures/random.js";
import { exposed } from "./exports.js";

const binaryen = dirname(createRequire(import.meta.url).resolve("binaryen"));
let wasmOpt: Promise<EmscriptenTool> | undefined;

const FEATURES = [
  "--mvp-features",
  "--enable-bulk-memory",
  "--enable-sign-ext",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-multivalue",
  "--enable-reference-types",
  "--enable-tail-call",
];

/**
 * How many random bytes a module is made of, at least and at most: many small ones find more than few large ones, but
 * one in eight may be large.
 */
const LEAST_BYTES = 100;
const MOST_BYTES = 1200;
const MOST_BYTES_LARGE = 4000;

async function runWasmOpt(input: Uint8Array, args: string[]): Promise<Uint8Array> {
  wasmOpt ??= EmscriptenTool.load(join(binaryen, "bin", "wasm-opt"));
  const [from, to] = ["in", "wasm"].map((suffix) =>
    join(tmpdir(), `xenlet-fuzz-${randomUUID()}.${suffix}`),
  ) as [string, string];
  try {
    await writeFile(from, input);
    const result = await (await wasmOpt).run([from, "-o", to, ...FEATURES, ...args]);
    if (result.status !== 0) throw new Error(`wasm-opt made no module: ${result.output}`);
    return await readFile(to);
  } finally {
    await Promise.all([rm(from, { force: true }), rm(to, { force: true })]);
  }
}

/** A module without imports, from its seed. */
export async function randomModule(seed: number): Promise<Uint8Array> {
  const pick = random(seed);
  const most = pick(8) === 0 ? MOST_BYTES_LARGE : MOST_BYTES;
  const bytes = Uint8Array.from({ length: LEAST_BYTES + pick(most - LEAST_BYTES) }, () =>
    pick(256),
  );
  // Every second one as the fuzzer leaves it, the others after passes that a compiler might have run.
  const passes = [[], [], ["-O2"], ["--fuzz-passes"]][pick(4)] ?? [];
  const plain = await runWasmOpt(bytes, ["-ttf", "--fuzz-preserve-imports-exports", "--denan"]);
  // The fuzzer exports nothing, and those passes would leave nothing of what cannot be called.
  return passes.length === 0 ? plain : runWasmOpt(exposed(plain).wasm, passes);
}
