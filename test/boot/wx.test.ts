// Nothing is writable and executable, in the file and in the machine; the hypercall page is poisoned until Xen writes it.
// Why: linear memory is the program's, and code is not; one frame mapped both ways would undo it. The traps' tests
// show a write to code and a jump into data; here the image and the page tables themselves are looked through.
// Fails if a segment, or any pair of mappings of one frame, has both rights.

import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";

import { readElf } from "../../src/image/elf/elf.js";
import { readSymbols } from "../../src/image/elf/symbols.js";
import { boot, build, expectSuccess, printed } from "./ground.js";

const POISON = 0xcc;
let image: string;

beforeAll(async () => {
  image = await build("test/guests/mappings.ts", { native: ["test/guests/mappings.c"] });
});

test("no segment of the image is writable and executable", async () => {
  const elf = await readElf(image);
  const loaded = elf.segments.filter((segment) => segment.type === 1);
  expect(loaded.length).toBe(4);
  expect(loaded.map(({ writable, executable }) => writable && executable)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(
    loaded.some(({ writable }) => writable) && loaded.some(({ executable }) => executable),
  ).toBe(true);
});

test("the hypercall page is a page of int3 in the file", async () => {
  const elf = await readElf(image);
  const page = readSymbols(elf).find((symbol) => symbol.name === "hypercall_page");
  const text = elf.segments.find((segment) => segment.type === 1);
  const bytes = await readFile(image);
  const at = (text?.offset ?? 0) + Number((page?.address ?? 0n) - (text?.vaddr ?? 0n));
  expect(new Set(bytes.subarray(at, at + 4096))).toEqual(new Set([POISON]));
});

test("in the running guest, no frame is mapped writable here and executable there", async () => {
  const result = await boot(image);
  expectSuccess(result);
  const [counts, conflicts, trampoline] = printed(result);
  expect(counts).toMatch(/^[1-9]\d* executable, [1-9]\d* writable$/);
  expect(conflicts).toBe("conflicts 0");
  expect(trampoline).toBe("low executable 0");
});

test("the control: the same walk finds a conflict that is put in", async () => {
  const result = await boot(image, { cmdline: "plant=1" });
  expect(printed(result)[1]).toBe("conflicts 1");
});
