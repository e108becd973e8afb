// Nothing is writable and executable, in the file and in the machine; the hypercall page is poisoned until Xen writes it.
// Why: linear memory is the program's, and code is not; one frame mapped both ways would undo it. The traps' tests
// show a write to code and a jump into data; here the image and the page tables themselves are looked through.
// Fails if a segment, or any pair of mappings of one frame, has both rights.

import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";

import { readElf } from "../../src/host/elf/elf.js";
import { readSymbols } from "../../src/host/elf/symbols.js";
import { boot, build, expectSuccess, payloads, printed, scratch } from "./setup.js";

const WRMSR = Buffer.from([0x0f, 0x30]);
const NOP = Buffer.from([0x90, 0x90]);
let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/mappings.ts", {
    native: ["test/boot/guest/mappings.c"],
    hypercall: "page",
  });
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

test("the hypercall page is no part of the file, and full of int3 until Xen writes it", async () => {
  const elf = await readElf(image);
  const symbols = readSymbols(elf);
  const address = symbols.find(({ name }) => name === "hypercall_page")?.address ?? 0n;
  const text = elf.segments.find(({ type }) => type === 1);
  expect(address - (text?.vaddr ?? 0n)).toBeGreaterThanOrEqual(BigInt(text?.fileSize ?? 0));
  expect(address - (text?.vaddr ?? 0n) + 4096n).toBeLessThanOrEqual(BigInt(text?.memorySize ?? 0));

  // Without the write that asks Xen for it, the guest says that it was not written: what it finds is int3.
  const bytes = await readFile(image);
  const ready = symbols.find(({ name }) => name === "hypercall_init");
  const at = (text?.offset ?? 0) + Number((ready?.address ?? 0n) - (text?.vaddr ?? 0n));
  const write = bytes.indexOf(WRMSR, at);
  expect(write).toBeLessThan(at + Number(ready?.size));
  NOP.copy(bytes, write);
  const broken = scratch("unwritten.elf");
  await writeFile(broken, bytes);
  const result = await boot(broken, { on: "dom0", deadlines: { runtime: 2000 } }); // it cannot even end
  expect(payloads(result, "fatal")[0]).toBe("Xen did not write the hypercall page");
});

test("in the running guest, no frame is mapped writable here and executable there", async () => {
  const result = await boot(image, { on: "dom0" });
  expectSuccess(result);
  const [counts, conflicts, trampoline] = printed(result);
  expect(counts).toMatch(/^[1-9]\d* executable, [1-9]\d* writable$/);
  expect(conflicts).toBe("conflicts 0");
  expect(trampoline).toBe("low executable 0");
});

test("the control: the same walk finds a conflict that is put in", async () => {
  const result = await boot(image, { on: "dom0", cmdline: "plant=1" });
  expect(printed(result)[1]).toBe("conflicts 1");
});
