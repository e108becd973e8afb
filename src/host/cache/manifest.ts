// An entry's manifest: what was put there, from what, with the size, time and checksum of each file.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface PackageFile {
  name: string;
  version: string;
  architecture: string;
  /** Of the .deb. */
  bytes: number;
  sha256: string;
}

export interface EntryFile {
  /** Relative to the tree. */
  path: string;
  bytes: number;
  sha256: string;
  /** Of its last change, in ms; absent if it was not recorded: then the file has to be read. */
  time?: number;
}

/** What Debian packages were unpacked there. */
export interface Origin {
  suite?: string;
  packages?: PackageFile[];
}

export interface Manifest extends Origin {
  format: 1;
  name: string;
  /** ISO 8601. */
  created: string;
  files: EntryFile[];
  links: { path: string; target: string }[];
}

export const MANIFEST = "manifest.json";
export const TREE = "tree";

/** Reads a manifest's text. Throws an Error that names the first thing wrong with it. */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${MANIFEST} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const wrong = defectOf(value);
  if (wrong !== null) throw new Error(`${MANIFEST}: ${wrong}`);
  return value as Manifest;
}

type Check = (value: unknown) => string | null;

// By hand: it is read on each run, and importing a schema library alone takes 100 ms.
const isText: Check = (value) =>
  typeof value === "string" && value !== "" ? null : "expected a text";
const isCount: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? null : "expected a whole number";
const isSum: Check = (value) =>
  typeof value === "string" && /^[0-9a-f]{64}$/.test(value) ? null : "expected a SHA-256";
const isTime: Check = (value) =>
  typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))
    ? null
    : "expected a time in ISO 8601";
/** Relative, and never upwards: a manifest cannot name a file outside its tree. */
const isPath: Check = (value) =>
  typeof value === "string" &&
  value !== "" &&
  !value.startsWith("/") &&
  !value.split("/").includes("..")
    ? null
    : "expected a relative path without ..";
const isFormat: Check = (value) => (value === 1 ? null : "expected 1");
const isMilliseconds: Check = (value) =>
  value === undefined || (typeof value === "number" && Number.isFinite(value))
    ? null
    : "expected a number";
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? null : check(value);
const record =
  (checks: Record<string, Check>): Check =>
  (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return "expected an object";
    for (const [key, check] of Object.entries(checks)) {
      const wrong = check((value as Record<string, unknown>)[key]);
      if (wrong !== null) return `${key}${wrong.startsWith("expected") ? ": " : "."}${wrong}`;
    }
    return null;
  };
const list =
  (check: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return "expected a list";
    for (const [index, one] of value.entries()) {
      const wrong = check(one);
      if (wrong !== null) return `${index}${wrong.startsWith("expected") ? ": " : "."}${wrong}`;
    }
    return null;
  };

const defectOf = record({
  format: isFormat,
  name: isText,
  created: isTime,
  suite: optional(isText),
  packages: optional(
    list(
      record({
        name: isText,
        version: isText,
        architecture: isText,
        bytes: isCount,
        sha256: isSum,
      }),
    ),
  ),
  files: list(record({ path: isPath, bytes: isCount, sha256: isSum, time: isMilliseconds })),
  links: list(record({ path: isPath, target: isText })),
});

/** The manifest of an entry's folder. Throws as `parseManifest` does, or ENOENT. */
export async function readManifest(folder: string): Promise<Manifest> {
  return parseManifest(await readFile(join(folder, MANIFEST), "utf8"));
}
