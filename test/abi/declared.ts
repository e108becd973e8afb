// What this project says about Xen's ABI, read out of its sources: constants and structures.

import { readFile, readdir } from "node:fs/promises";

export interface Declared {
  constants: Map<string, bigint>;
  /** Structure → field names, padding left out. */
  structures: Map<string, string[]>;
}

const abi = "src/guest/abi";

/** src/guest/abi and src/guest/errno.ts. */
export async function declaredByGuest(): Promise<Declared> {
  const constants = new Map<string, bigint>();
  const structures = new Map<string, string[]>();
  const files = [...(await readdir(abi)).map((file) => `${abi}/${file}`), "src/guest/errno.ts"];
  for (const file of files) {
    const text = await readFile(file, "utf8");
    for (const [, name = "", value = ""] of text.matchAll(
      /^export const (\w+): \w+ = (0x[0-9a-f]+|\d+);/gm,
    ))
      constants.set(name, BigInt(value));
    for (const [, name = "", body = ""] of text.matchAll(/export class (\w+) \{\n([^}]*)^\}/gm))
      structures.set(name, fields(body, /^ {2}(\w+): \w+;/gm));
    const declarations = [...text.matchAll(/\b(const|class) \w+/g)].length;
    const read = [
      ...text.matchAll(/^export const (\w+): \w+ = (0x[0-9a-f]+|\d+);|export class (\w+) \{\n/gm),
    ].length;
    if (declarations !== read)
      throw new Error(`${file} declares something that this test cannot read`);
  }
  return { constants, structures };
}

/** boot/xen.h. */
export async function declaredByBoot(): Promise<Declared> {
  const text = await readFile("boot/xen.h", "utf8");
  const constants = new Map<string, bigint>();
  for (const [, name = "", value = ""] of text.matchAll(/^#define (\w+) (0x[0-9a-f]+|\d+)$/gm))
    constants.set(name, BigInt(value));
  const structures = new Map<string, string[]>();
  for (const [, name = "", body = ""] of text.matchAll(/^struct (\w+) \{\n([^}]*)^\}/gm)) {
    const names = [...body.matchAll(/^ {4}\w+ ([\w, ]+);/gm)].flatMap(([, list = ""]) =>
      list.split(", "),
    );
    structures.set(
      name,
      names.filter((field) => !isPadding(field)),
    );
  }
  return { constants, structures };
}

function fields(body: string, pattern: RegExp): string[] {
  return [...body.matchAll(pattern)]
    .map(([, name = ""]) => name)
    .filter((name) => !isPadding(name));
}

function isPadding(field: string): boolean {
  return /^(_?pad\d*|_pad)$/.test(field);
}
