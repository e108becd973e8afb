// Modules whose loops gcc can do as vectors, over memory at any alignment: Wasm lets every access be unaligned, and
// C does not. Each loop reads two arrays and writes a third, of one width, which may overlap; or sums one up.

import { createRequire } from "node:module";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { randomUUID } from "node:crypto";

import { EmscriptenTool } from "../../src/image/emscripten.js";
import { random } from "../fixtures/random.js";

const wabt = dirname(createRequire(import.meta.url).resolve("wabt"));
let wat2wasm: Promise<EmscriptenTool> | undefined;

interface Width {
  bytes: number;
  type: "i32" | "i64" | "f32" | "f64";
  load: string[];
  store: string;
}
const WIDTHS: Width[] = [
  { bytes: 1, type: "i32", load: ["load8_u", "load8_s"], store: "store8" },
  { bytes: 2, type: "i32", load: ["load16_u", "load16_s"], store: "store16" },
  { bytes: 4, type: "i32", load: ["load"], store: "store" },
  { bytes: 1, type: "i64", load: ["load8_u", "load8_s"], store: "store8" },
  { bytes: 2, type: "i64", load: ["load16_u", "load16_s"], store: "store16" },
  { bytes: 4, type: "i64", load: ["load32_u", "load32_s"], store: "store32" },
  { bytes: 8, type: "i64", load: ["load"], store: "store" },
  { bytes: 4, type: "f32", load: ["load"], store: "store" },
  { bytes: 8, type: "f64", load: ["load"], store: "store" },
];
const OPERATIONS = {
  integer: ["add", "sub", "and", "or", "xor", "mul", "shl", "shr_u", "shr_s"],
  float: ["add", "sub", "mul", "min", "max"],
};
/** Multiples of every vector's length, and some that are none. */
const COUNTS = [16, 32, 64, 128, 48, 1, 7, 33, 100];
const MEMORY = 65536;

function loop(name: string, pick: (below: number) => number): string {
  const one = <T>(items: readonly T[]): T => items[pick(items.length)] as T;
  const { bytes, type, load, store } = one(WIDTHS);
  const count = one(COUNTS);
  // Apart, or so near that one iteration reads what another has written.
  const [to, a, b] = pick(3) === 0 ? near(pick) : [1 + pick(900), 4097 + pick(900), 8193 + pick(900)];
  const integer = type.startsWith("i");
  const operation = one(integer ? OPERATIONS.integer : OPERATIONS.float);
  const read = (offset: number): string =>
    `(${type}.${one(load)} offset=${String(offset)} align=1 (i32.add (local.get $base) (local.get $p)))`;
  const second = operation.startsWith("sh")
    ? `(${type}.const ${String(pick(8))})`
    : pick(4) === 0
      ? `(${type}.const ${String(pick(200) - 100)})`
      : read(b);
  const value = `(${type}.${operation} ${read(a)} ${second})`;
  const sums = pick(4) === 0;
  const step = sums
    ? `(local.set $sum (${type}.add (local.get $sum) ${value}))`
    : `(${type}.${store} offset=${String(to)} align=1 (i32.add (local.get $base) (local.get $p)) ${value})`;
  return `(func (export "${name}") (param $base i32) (result ${type}) (local $p i32) (local $sum ${type})
    (local.set $base (i32.and (local.get $base) (i32.const 0xfff)))
    (loop $again
      ${step}
      (local.set $p (i32.add (local.get $p) (i32.const ${String(bytes)})))
      (br_if $again (i32.lt_u (local.get $p) (i32.const ${String(bytes * count)}))))
    (local.get $sum))`;
}

function near(pick: (below: number) => number): [number, number, number] {
  const start = 1 + pick(1000);
  return [start + pick(40), start + pick(40), start + pick(40)];
}

/** A module of such loops, from its seed; the first function fills memory with small floats' bytes. */
export async function vectorModule(seed: number): Promise<Uint8Array> {
  wat2wasm ??= EmscriptenTool.load(join(wabt, "bin", "wat2wasm"));
  const pick = random(seed);
  const loops = Array.from({ length: 6 }, (_, index) => loop(`loop${String(index)}`, pick));
  // Every 8 bytes are the sum of a double and a float that no arithmetic here makes a NaN of.
  const text = `(module
    (memory ${String(MEMORY / 65536)})
    (func (export "fill") (local $p i32) (local $x i32)
      (local.set $x (i32.const ${String(1 + pick(0x7fffffff))}))
      (loop $again
        (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
        (i32.store16 (local.get $p) (i32.and (i32.shr_u (local.get $x) (i32.const 8)) (i32.const 0x3f7f)))
        (local.set $p (i32.add (local.get $p) (i32.const 2)))
        (br_if $again (i32.lt_u (local.get $p) (i32.const 16384)))))
    ${loops.join("\n")})`;
  const [input, output] = ["wat", "wasm"].map((suffix) =>
    join(tmpdir(), `xenlet-vectors-${randomUUID()}.${suffix}`),
  ) as [string, string];
  try {
    await writeFile(input, text);
    const result = await (await wat2wasm).run([input, "-o", output]);
    if (result.status !== 0) throw new Error(`seed ${seed}: ${result.output}`);
    return await readFile(output);
  } finally {
    await Promise.all([rm(input, { force: true }), rm(output, { force: true })]);
  }
}
