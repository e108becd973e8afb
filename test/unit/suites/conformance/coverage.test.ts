/**
 * Coverage of an unmodified Xen: from QEMU's log and objdump's to blocks that never ran. Why it matters: holes of the suite are
 * looked for with it. How it would fail: a block that ran only in part counted as run, padding counted as code, the
 * wrong bytes of Xen's file disassembled.
 */
import { execa } from "execa";
import { expect, test } from "vitest";
import { blocksOf, parseBlocks } from "../../../../src/host/suites/conformance/coverage/blocks.js";
import { codeAt, textOf } from "../../../../src/host/suites/conformance/coverage/coverage.js";
import { parseElf } from "../../../../src/host/elf/elf.js";
import { Trace } from "../../../../src/host/suites/conformance/coverage/trace.js";
import { buildElf, validImage } from "../../../fixtures/elf-builder.js";

const START = 0xffff82d040200100n;
/** je +3; nop; nop; ret; then padding; xor %eax,%eax; ret. */
const CODE = Uint8Array.of(0x74, 0x03, 0x90, 0x50, 0xc3, 0x31, 0xc0, 0xc3, 0x66, 0x90);

test("a line of QEMU's log counts its bytes as run, and nothing else does", () => {
  const trace = new Trace("/nowhere", "x");
  trace.push("----------------");
  trace.push("IN: ");
  trace.push("0xffff82d040200100:  74 03                    je       0xffff82d040200105");
  trace.push("0xffff82d080200200:  48 b8 00 00 00 00 00 00  movabsq  $0, %rax");
  trace.push("0xffff82d080200208:  00 00");
  expect([0n, 1n, 2n].map((at) => trace.ran(START + at))).toEqual([true, true, false]);
  expect([0n, 9n, 10n].map((at) => trace.ran(0xffff82d080200200n + at))).toEqual([
    true,
    true,
    false,
  ]);
});

test("each boot has a log of its own, of Xen's text alone", () => {
  const trace = new Trace("/nowhere", "x");
  const [first, second] = [trace.next(), trace.next()];
  expect(first.file).not.toBe(second.file);
  expect(first.args.slice(0, 3)).toEqual(["-d", "in_asm", "-dfilter"]);
});

test("blocks begin where something jumps to, and behind what jumps; padding is none", async () => {
  const hasObjdump = await execa("objdump", ["--version"], { reject: false });
  expect(hasObjdump.exitCode).toBe(0);
  const blocks = await blocksOf(CODE, START);
  expect(blocks.map(({ start, end }) => [start - START, end - START])).toEqual([
    [0n, 2n],
    [2n, 5n],
    [5n, 8n],
  ]);
});

test("control: without the jump there is one block less", () => {
  const line = (at: number, bytes: string, text: string): string =>
    `    ${(START + BigInt(at)).toString(16)}:\t${bytes} \t${text}`;
  expect(
    parseBlocks([
      line(0, "90 90", "push %rax"),
      line(2, "c3", "ret"),
      line(3, "31 c0", "xor %eax,%eax"),
    ]),
  ).toHaveLength(2);
});

test("a function's bytes are found by its physical address in the file", () => {
  // As Xen's: ELF32, and what is in front of the text belongs to it.
  const segment = { paddr: 0x200000n, data: Uint8Array.of(...new Uint8Array(0x100), ...CODE) };
  const image = parseElf(buildElf(validImage({ class: 32, machine: 3, segments: [segment] })));
  expect(codeAt(image, { name: "f", start: START, end: START + 10n })).toEqual(CODE);
  expect(codeAt(image, { name: "f", start: START + 0x1000n, end: START + 0x1010n })).toHaveLength(
    0,
  );
});

test("the text names what never ran, by its place in the function", () => {
  const missed = [{ start: START + 5n, end: START + 8n }];
  expect(textOf([{ name: "f", start: START, end: START + 10n, blocks: 3, missed }])).toBe(
    "f: 2 of 3 blocks ran\n  never ran: +0x5..+0x8 (0xffff82d040200105)\n",
  );
});
