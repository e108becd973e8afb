// Modules whose loops gcc can do as vectors, over memory at any alignment: Wasm lets every access be unaligned, and
// C does not. Each loop reads two arrays and writes a third, of one width, which may overlap; or sums one up.
//
// Which NaN arithmetic makes of one is not Wasm's business. So floats in arrays that overlap do so by whole ones, and
// where a loop has left NaNs, zeroes are put before anything else can read their bytes.

import { random } from "../fixtures/random.js";
import { assemble } from "./assemble.js";

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
  const [to, a, b] =
    pick(3) === 0
      ? near(pick, type.startsWith("i") ? 1 : bytes)
      : [1 + pick(900), 4097 + pick(900), 8193 + pick(900)];
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
  const next = `(local.set $p (i32.add (local.get $p) (i32.const ${String(bytes)})))`;
  const last = `(i32.lt_u (local.get $p) (i32.const ${String(bytes * count)}))`;
  const written = `(${type}.load offset=${String(to)} align=1 (i32.add (local.get $base) (local.get $p)))`;
  const settle =
    integer || sums
      ? ""
      : `(local.set $p (i32.const 0))
    (loop $again
      (if (${type}.ne ${written} ${written})
        (then (${type}.store offset=${String(to)} align=1 (i32.add (local.get $base) (local.get $p)) (${type}.const 0))))
      ${next}
      (br_if $again ${last}))`;
  return `(func (export "${name}") (param $base i32) (result ${type}) (local $p i32) (local $sum ${type})
    (local.set $base (i32.and (local.get $base) (i32.const 0xfff)))
    (loop $again
      ${step}
      ${next}
      (br_if $again ${last}))
    ${settle}
    (local.get $sum))`;
}

/** Widths by name, each with a loop that adds up two arrays of it into a third, at no alignment that suits it. */
export const LOOP_OF_WIDTH: [name: string, text: string][] = WIDTHS.map(
  ({ bytes, type, load: [load = ""], store }) => {
    const place = "align=1 (i32.add (local.get $base) (local.get $p))";
    return [
      `${type}.${load}`,
      `(func (param $base i32) (local $p i32)
        (local.set $base (i32.and (local.get $base) (i32.const 0xfff)))
        (loop $again
          (${type}.${store} offset=1 ${place}
            (${type}.add (${type}.${load} offset=4099 ${place}) (${type}.${load} offset=8195 ${place})))
          (local.set $p (i32.add (local.get $p) (i32.const ${String(bytes)})))
          (br_if $again (i32.lt_u (local.get $p) (i32.const ${String(bytes * 64)})))))`,
    ];
  },
);

/** A module of these loops, in their order. Memory has no bytes that a float which is no number would have. */
export async function loopOfEachWidth(): Promise<Uint8Array> {
  const bytes = Array.from({ length: 16384 }, (_, index) => (index * 7) % 0x3f);
  const data = bytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  return assemble(
    `(module (memory 1) (data (i32.const 0) "${data}") ${LOOP_OF_WIDTH.map(([, text]) => text).join("\n")})`,
  );
}

function near(pick: (below: number) => number, step: number): [number, number, number] {
  const start = 1 + pick(1000);
  const place = (): number => start + step * pick(Math.floor(40 / step));
  return [place(), place(), place()];
}

/** A module of such loops, from its seed; the first function fills memory with the bytes of small floats. */
export async function vectorModule(seed: number): Promise<Uint8Array> {
  const pick = random(seed);
  const loops = Array.from({ length: 6 }, (_, index) => loop(`loop${String(index)}`, pick));
  return assemble(`(module
    (memory ${String(MEMORY / 65536)})
    (func (export "fill") (local $p i32) (local $x i32)
      (local.set $x (i32.const ${String(1 + pick(0x7fffffff))}))
      (loop $again
        (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
        (i32.store16 (local.get $p) (i32.and (i32.shr_u (local.get $x) (i32.const 8)) (i32.const 0x3f7f)))
        (local.set $p (i32.add (local.get $p) (i32.const 2)))
        (br_if $again (i32.lt_u (local.get $p) (i32.const 16384)))))
    ${loops.join("\n")})`);
}
