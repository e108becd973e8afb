// What page tables translate: the core's memory is found through two levels of them.
// Why: a wrong bit shows a debugger other memory than the guest had, and nothing else would notice. Fails if a large page, a
// right that an upper level takes away, or an address of the upper half is read wrongly.

import { expect, test } from "vitest";

import { mappings, translate } from "../../../src/host/core/page-tables.js";

const [PRESENT, WRITABLE, LARGE] = [1n, 2n, 0x80n];
const NO_EXECUTE = 1n << 63n;

/** Tables by their address: index to entry. */
function reader(tables: Record<number, Record<number, bigint>>) {
  return (address: number): Promise<Buffer | null> => {
    const table = tables[address];
    if (table === undefined) return Promise.resolve(null);
    const page = Buffer.alloc(4096);
    for (const [index, entry] of Object.entries(table))
      page.writeBigUInt64LE(BigInt.asUintN(64, entry), Number(index) * 8);
    return Promise.resolve(page);
  };
}

test("pages of all sizes, neighbours as one, each with the rights that every level leaves it", async () => {
  const found = await mappings(
    0x1000,
    reader({
      0x1000: { 0: 0x2000n | PRESENT | WRITABLE, 511: 0x6000n | PRESENT | WRITABLE, 5: 0x2000n },
      0x2000: { 0: 0x3000n | PRESENT | WRITABLE, 1: 0x4000_0000n | PRESENT | LARGE },
      0x3000: { 0: 0x4000n | PRESENT, 2: 0x80_0000n | PRESENT | WRITABLE | LARGE | NO_EXECUTE },
      0x4000: {
        1: 0x10_0000n | PRESENT | WRITABLE,
        2: 0x10_1000n | PRESENT | WRITABLE,
        3: 0x20_0000n | PRESENT,
        4: 0x20_1000n, // absent
      },
      // 0x6000 cannot be read.
    }),
  );
  expect(found).toEqual([
    { from: 0x1000n, to: 0x10_0000, bytes: 0x2000, writable: false, executable: true },
    { from: 0x3000n, to: 0x20_0000, bytes: 0x1000, writable: false, executable: true },
    { from: 0x40_0000n, to: 0x80_0000, bytes: 0x20_0000, writable: true, executable: false },
    { from: 0x4000_0000n, to: 0x4000_0000, bytes: 0x4000_0000, writable: false, executable: true },
  ]);
  expect([0xfffn, 0x1000n, 0x2fffn, 0x3010n, 0x4000n].map((at) => translate(found, at))).toEqual([
    null,
    0x10_0000,
    0x10_1fff,
    0x20_0010,
    null,
  ]);
});

test("the upper half's addresses are canonical", async () => {
  const [only] = await mappings(
    0x1000,
    reader({
      0x1000: { 511: 0x2000n | PRESENT },
      0x2000: { 510: 0x3000n | PRESENT },
      0x3000: { 0: PRESENT | LARGE },
    }),
  );
  expect(only?.from).toBe(0xffff_ffff_8000_0000n);
});
