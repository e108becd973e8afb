// What this project says about Xen's ABI, read out of its sources: constants and structures.

import { readFile, readdir } from "node:fs/promises";

export interface Declared {
  constants: Map<string, bigint>;
  /** Structure → where it is declared and its field names, padding left out. */
  structures: Map<string, { module: string; fields: string[] }>;
}

const CONSTANT = /^export const (\w+): \w+ = (0x[0-9a-f]+|\d+|1 << \d+);/gm;
const STRUCTURE = /export class (\w+) \{\n([^}]*)^\}/gm;

/** By the name under which a guest imports it. */
async function modules(): Promise<Map<string, string>> {
  const found = new Map([["xenlet/raw/errno", "src/guest/xenlet/raw/errno.ts"]]);
  const folder = "src/guest/xenlet/raw/abi";
  for (const file of await readdir(folder))
    found.set(`xenlet/raw/abi/${file.replace(/\.ts$/, "")}`, `${folder}/${file}`);
  return found;
}

/** src/guest/xenlet/raw/abi and src/guest/xenlet/raw/errno.ts. */
export async function declaredByGuest(): Promise<Declared> {
  const declared: Declared = { constants: new Map(), structures: new Map() };
  for (const [module, file] of await modules()) {
    const text = await readFile(file, "utf8");
    let read = 0;
    for (const [, name = "", value = ""] of text.matchAll(CONSTANT)) {
      declared.constants.set(name, valueOf(value));
      read++;
    }
    for (const [, name = "", body = ""] of text.matchAll(STRUCTURE)) {
      declared.structures.set(name, { module, fields: fields(body, /^ {2}(\w+): \w+;/gm) });
      read++;
    }
    if ([...text.matchAll(/^[^/\n]*\b(const|class) \w+/gm)].length !== read)
      throw new Error(`${file} declares something that this test cannot read`);
  }
  return declared;
}

/** boot/xen.h. */
export async function declaredByBoot(): Promise<Declared> {
  const text = await readFile("boot/xen.h", "utf8");
  const declared: Declared = { constants: new Map(), structures: new Map() };
  for (const [, name = "", value = ""] of text.matchAll(/^#define (\w+) (0x[0-9a-f]+|\d+)$/gm))
    declared.constants.set(name, BigInt(value));
  for (const [, name = "", body = ""] of text.matchAll(/^struct (\w+) \{\n([^}]*)^\}/gm)) {
    const names = [...body.matchAll(/^ {4}\w+ ([\w, ]+);/gm)].flatMap(([, list = ""]) =>
      list.split(", "),
    );
    declared.structures.set(name, {
      module: "boot/xen.h",
      fields: names.filter((field) => !isPadding(field)),
    });
  }
  return declared;
}

function valueOf(text: string): bigint {
  const shift = /^1 << (\d+)$/.exec(text);
  return shift === null ? BigInt(text) : 1n << BigInt(shift[1] ?? "");
}

function fields(body: string, pattern: RegExp): string[] {
  return [...body.matchAll(pattern)]
    .map(([, name = ""]) => name)
    .filter((name) => !isPadding(name));
}

function isPadding(field: string): boolean {
  return /^(_?pad\d*|_.*)$/.test(field);
}
