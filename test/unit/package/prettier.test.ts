/**
 * Prettier on AssemblyScript. What it shows: decorators where TypeScript forbids
 * them survive formatting, on their line or their own, and formatting twice
 * changes nothing. Why it matters: a lost `@external` or `@inline` compiles, to
 * something else. How it would fail: a marker left behind as a comment.
 */
import { format } from "prettier";
import { expect, test } from "vitest";
import * as assemblyscript from "../../../scripts/prettier-assemblyscript.js";

const layOut = (source: string) =>
  format(source, { parser: "assemblyscript", plugins: [assemblyscript] });

test.each([
  ["@inline  export function f():void{}", "@inline export function f(): void {}\n"],
  ["@inline\nfunction f():void{}", "@inline\nfunction f(): void {}\n"],
  ["@global @unsafe\nfunction f():void{}", "@global @unsafe\nfunction f(): void {}\n"],
  [
    '@external("xen", "load8") declare function load8(a:usize):u32',
    '@external("xen", "load8") declare function load8(a: usize): u32;\n',
  ],
  ["@lazy let a:i32=0", "@lazy let a: i32 = 0;\n"],
  [
    "@unmanaged class A{@inline get b():i32{return 1}}",
    "@unmanaged class A {\n  @inline get b(): i32 {\n    return 1;\n  }\n}\n",
  ],
  [
    "namespace n{\n@inline export function f():void{}\n}",
    "namespace n {\n  @inline export function f(): void {}\n}\n",
  ],
  [
    "/**\n * @param a b\n */\nfunction f(a:i32):void{}",
    "/**\n * @param a b\n */\nfunction f(a: i32): void {}\n",
  ],
])("%j", async (source, expected) => {
  expect(await layOut(source)).toBe(expected);
  expect(await layOut(expected)).toBe(expected);
});

test("what is no AssemblyScript is an error", async () => {
  await expect(layOut("@inline function (")).rejects.toThrow(/expected/i);
});
