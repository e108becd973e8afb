// A module that is too large for one file of C becomes several, a large function one of its own, and it does the same.
// Why: gcc takes quarters of an hour for a file of megabytes, so large programs would be impractical otherwise; but then each
// function, variable and table is another file's, too. Fails if a part does not see what another has, if a definition is
// there twice, or if the parts depend on anything but the module. The sizes are small here, so that gcc's time is.

import { mkdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { fixedObjects, link } from "../../src/host/build/link/toolchain.js";
import { C_SIZES } from "../../src/host/build/lower/c-files.js";
import { lower } from "../../src/host/build/lower/lower.js";
import { assemble } from "../fuzz/assemble.js";
import { boot, scratch } from "./setup.js";

/** Steps of a checksum, each in a function that calls the one before it: directly, by a table, or in its place. */
const STEPS = 24;
const step = (at: number): string => {
  const before = at === 0 ? "(local.get 0)" : `(call $step${at - 1} (local.get 0))`;
  const mixed = `(i64.add (i64.mul ${before} (i64.const 6364136223846793005)) (i64.const ${at * 7 + 1}))`;
  const kinds = [
    `(i64.xor ${mixed} (i64.shr_u ${mixed} (i64.const 29)))`,
    `(global.set $count (i32.add (global.get $count) (i32.const 1))) (i64.store (i32.const ${at * 8}) ${mixed})
     (i64.rotl (i64.load (i32.const ${at * 8})) (i64.extend_i32_u (global.get $count)))`,
    `(call_indirect $t (type $step) ${mixed} (i32.const ${at % 3}))`,
    `(call $pair ${mixed}) (i64.add)`,
    `(return_call $last ${mixed})`,
  ];
  return `(func $step${at} (type $step) ${kinds[at % kinds.length] ?? ""})`;
};
/** One function of some size: it becomes a file of its own. */
const large = Array.from(
  { length: 60 },
  (_, at) =>
    `(local.set 0 (i64.xor (i64.mul (local.get 0) (i64.const ${at + 3})) (i64.load8_u $bytes)))`,
)
  .join("\n")
  .replaceAll("$bytes", "(i32.and (i32.wrap_i64 (local.get 0)) (i32.const 255))");
const MODULE = `(module
  (type $step (func (param i64) (result i64)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "some bytes to begin with")
  (data $passive "and more")
  (table $t 3 funcref) (elem (table $t) (i32.const 0) $last $large $last)
  (global $count (mut i32) (i32.const 0))
  (global $nan (mut f32) (f32.const nan:0x200000))
  (func $begin (memory.init $passive (i32.const 100) (i32.const 0) (i32.const 8)))
  (start $begin)
  (func $pair (param i64) (result i64 i64) (local.get 0) (i64.const 5))
  (func $last (type $step) (i64.sub (local.get 0) (i64.extend_i32_u (i32.reinterpret_f32 (global.get $nan)))))
  (func $large (type $step) ${large} (local.get 0))
  ${Array.from({ length: STEPS }, (_, at) => step(at)).join("\n")}
  (func $sum (export "sum") (result i64) (call $step${STEPS - 1} (i64.load (i32.const 100))))
  (func (export "_start") (local i64)
    (local.set 0 (call $sum))
    (call $exit (i32.and (i32.const 127) (i32.wrap_i64 (i64.xor (local.get 0) (i64.xor
      (i64.shr_u (local.get 0) (i64.const 23)) (i64.shr_u (local.get 0) (i64.const 47)))))))))`;

function inV8(wasm: Uint8Array): number {
  let code = -1;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(wasm)), {
    wasi_snapshot_preview1: { proc_exit: (value: number) => (code = value) },
  });
  (exports["_start"] as () => void)();
  return code;
}

test("in one file, in several, and with a large function: as under V8", async () => {
  const wasm = await assemble(MODULE);
  const expected = inV8(wasm);
  const built = async (name: string, cSizes: typeof C_SIZES): Promise<[string, string[]]> => {
    const folder = scratch(name);
    await mkdir(folder);
    const stages: string[] = [];
    const { objects, nullPage } = await lower({
      wasm,
      own: false,
      hypercall: "direct",
      folder,
      cSizes,
      cache: false,
      onStage: (stage) => stages.push(stage),
    });
    const image = scratch(`${name}.elf`);
    await link([...(await fixedObjects("direct")), ...objects], image, {
      hypercall: "direct",
      nullPage,
      folder,
    });
    return [image, stages];
  };
  const [one, quiet] = await built("one", C_SIZES);
  const [several, said] = await built("several", { oneFile: 1000, part: 250, largeFunction: 500 });
  expect(quiet).toEqual([]);
  expect(said).toEqual([
    "lower: 5 files of C, 1 of them a large function, compiled with -O1; up to a minute each",
  ]);
  for (const image of [one, several])
    expect(await boot(image)).toMatchObject({ verdict: "exit", exitCode: expected });
  // What there is to be read is one file, whatever gcc gets.
  const readable = ["one", "several"].map((name) => readFile(scratch(`${name}/guest.c`), "utf8"));
  const [whole, parts] = await Promise.all(readable);
  expect(parts?.replaceAll("static ", "")).toEqual(whole?.replaceAll("static ", ""));
});
