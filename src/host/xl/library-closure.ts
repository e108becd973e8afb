// Which libraries programs need, as ld.so would find them in an unpacked tree of packages.

import { readFile, readdir, realpath } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { parseElf } from "../elf/elf.js";

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DYNAMIC_ENTRY = 16;

/** What one ELF64 file names as DT_NEEDED. None for a static one. */
export function neededBy(file: Buffer, name: string): string[] {
  const { segments } = parseElf(file, name);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const entries: { tag: bigint; value: bigint }[] = [];
  for (let at = 0; at + DYNAMIC_ENTRY <= dynamic.fileSize; at += DYNAMIC_ENTRY)
    entries.push({
      tag: file.readBigUInt64LE(dynamic.offset + at),
      value: file.readBigUInt64LE(dynamic.offset + at + 8),
    });
  const table = entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0n;
  const load = segments.find(
    ({ type, vaddr, fileSize }) =>
      type === PT_LOAD && table >= vaddr && table < vaddr + BigInt(fileSize),
  );
  if (load === undefined) throw new Error(`${name}: its dynamic string table is in no segment`);
  const strings = load.offset + Number(table - load.vaddr);
  return entries
    .filter(({ tag }) => tag === DT_NEEDED)
    .map(({ value }) => {
      const start = strings + Number(value);
      return file.toString("latin1", start, file.indexOf(0, start));
    });
}

export interface Library {
  /** As programs name it. */
  name: string;
  /** The file's path, below the tree. */
  path: string;
}

/**
 * The libraries that the programs need, and those that these need, out of the tree's `folders`; `also` are libraries
 * that are loaded without being named. Throws for one that is not there.
 */
export async function librariesFor(
  tree: string,
  programs: string[],
  also: string[],
  folders: string[],
): Promise<Library[]> {
  const places = new Map<string, string>();
  for (const folder of folders)
    for (const name of await readdir(join(tree, folder)).catch(() => []))
      if (!places.has(name)) places.set(name, join(tree, folder, name));
  const root = await realpath(tree);
  const found = new Map<string, Library>();
  const queue = [...also.map((name) => ({ name, by: "the dom0" }))];
  for (const program of programs) {
    const needed = neededBy(await readFile(join(tree, program)), program);
    queue.push(...needed.map((name) => ({ name, by: program })));
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { name, by } = next;
    if (found.has(name)) continue;
    const place = places.get(name);
    if (place === undefined) throw new Error(`${name}, which ${basename(by)} needs, is missing`);
    const file = await realpath(place);
    found.set(name, { name, path: relative(root, file) });
    const needed = neededBy(await readFile(file), name);
    queue.push(...needed.map((other) => ({ name: other, by: name })));
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
