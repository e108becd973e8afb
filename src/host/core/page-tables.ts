/** Page tables of long mode: a guest's own, and the nested ones, which have the same form. AMD's manual, volume 2, 5.3. */

const PRESENT = 1n;
const WRITABLE = 2n;
const LARGE = 0x80n;
const NO_EXECUTE = 1n << 63n;
const ADDRESS = 0x000f_ffff_ffff_f000n;
const ENTRIES = 512;
const PAGE = 4096;

export interface Mapping {
  /** Virtual, or the guest's physical: what the tables translate. */
  from: bigint;
  /** What it is translated to. */
  to: number;
  bytes: number;
  writable: boolean;
  executable: boolean;
}

/** Reads one page of tables, of the space that the entries are in; null: there is none. */
export type ReadPage = (address: number) => Promise<Buffer | null>;

/** What the tables at `root` translate, in order; neighbours are one mapping. */
export async function mappings(root: number, read: ReadPage): Promise<Mapping[]> {
  const found: Mapping[] = [];
  const add = (mapping: Mapping): void => {
    const last = found.at(-1);
    const follows =
      last?.from === mapping.from - BigInt(last?.bytes ?? 0) &&
      last.to + last.bytes === mapping.to &&
      last.writable === mapping.writable &&
      last.executable === mapping.executable;
    if (follows) last.bytes += mapping.bytes;
    else found.push(mapping);
  };
  const walk = async (
    table: number,
    level: number,
    base: bigint,
    rights: Pick<Mapping, "writable" | "executable">,
  ): Promise<void> => {
    const page = await read(table);
    if (page === null) return;
    const span = BigInt(PAGE) << BigInt(9 * (level - 1));
    for (let index = 0; index < ENTRIES; index++) {
      const entry = page.readBigUInt64LE(index * 8);
      if ((entry & PRESENT) === 0n) continue;
      let from = base + BigInt(index) * span;
      // Bits 63..48 are copies of bit 47.
      if (level === 4 && index >= ENTRIES / 2) from |= 0xffff_0000_0000_0000n;
      const own = {
        writable: rights.writable && (entry & WRITABLE) !== 0n,
        executable: rights.executable && (entry & NO_EXECUTE) === 0n,
      };
      const leaf = level === 1 || (level < 4 && (entry & LARGE) !== 0n);
      const to = Number(entry & ADDRESS & ~(leaf ? span - 1n : 0n));
      if (leaf) add({ from, to, bytes: Number(span), ...own });
      else await walk(to, level - 1, from, own);
    }
  };
  await walk(root, 4, 0n, { writable: true, executable: true });
  return found;
}

/** One address through mappings in order; null: not mapped. */
export function translate(found: readonly Mapping[], address: bigint): number | null {
  let low = 0;
  let high = found.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = found[middle];
    if (at !== undefined && at.from + BigInt(at.bytes) <= address) low = middle + 1;
    else high = middle;
  }
  const mapping = found[low];
  if (mapping === undefined || mapping.from > address) return null;
  return mapping.to + Number(address - mapping.from);
}
