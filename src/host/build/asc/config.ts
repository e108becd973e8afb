// asconfig.json: which one counts, and what of it.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";

import { packageRoot } from "../../base/package-root.js";
import { BuildError } from "../build-error.js";

const NAME = "asconfig.json";

/** What a user's configuration leaves open. */
export const OWN_CONFIG = join(packageRoot, NAME);

/**
 * What an image decides by itself, whatever asconfig.json says for other hosts of the same sources: its memory is the
 * domain's, its entry is the file that the command names, and its output is the image.
 */
const DECIDED_HERE = [
  "outFile",
  "textFile",
  "bindings",
  "sourceMap",
  "importMemory",
  "noExportMemory",
  "zeroFilledMemory",
  "importTable",
  "exportStart",
  "memoryBase",
  "baseDir",
  "noEmit",
  "showConfig",
  "stats",
  "wasm",
];

/**
 * The configuration for a guest: the nearest one from its folder up to the current folder, where asc itself looks. If
 * the guest is not below the current folder, only the one beside it. Null: there is none.
 */
export function findConfig(entry: string, currentFolder = process.cwd()): string | null {
  const top = resolve(currentFolder);
  let folder = dirname(resolve(entry));
  const below = folder === top || folder.startsWith(top === sep ? sep : top + sep);
  for (;;) {
    const config = join(folder, NAME);
    if (existsSync(config)) return config;
    if (!below || folder === top) return null;
    folder = dirname(folder);
  }
}

/** As a user would name it, in a sentence. */
export function nameConfig(config: string): string {
  const name = relative(process.cwd(), config);
  return name.startsWith("..") ? config : name;
}

interface Config {
  options?: Record<string, unknown>;
  targets?: Record<string, Record<string, unknown>>;
  entries?: unknown;
  extends?: unknown;
}

/** Throws a BuildError for an invalid configuration. */
function parse(text: string, file: string): Config {
  const name = nameConfig(file);
  let config: Config;
  try {
    config = JSON.parse(text) as Config;
  } catch (cause) {
    throw new BuildError(`${name} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(config)) throw new BuildError(`${name} is not an object`);
  for (const [part, value] of [
    ["options", config.options],
    ["targets", config.targets],
    ...Object.entries(config.targets ?? {}).map(([target, v]) => [`targets.${target}`, v] as const),
  ] as const)
    if (value !== undefined && !isObject(value))
      throw new BuildError(`"${part}" in ${name} is not an object`);
  if (config.extends !== undefined && typeof config.extends !== "string")
    throw new BuildError(`"extends" in ${name} is not a string`);
  return config;
}

/**
 * A configuration as asc is to read it: without what is decided here, and with our own defaults behind the last one
 * of a chain. Throws a BuildError for an invalid configuration.
 */
export function guestConfig(text: string, file: string): string {
  if (resolve(file) === OWN_CONFIG) return text;
  const config = parse(text, file);
  const { entries: _, ...kept } = config;
  return JSON.stringify({
    ...kept,
    options: withoutDecided(config.options ?? {}),
    targets: Object.fromEntries(
      Object.entries(config.targets ?? {}).map(([target, options]) => [
        target,
        withoutDecided(options),
      ]),
    ),
    extends: config.extends ?? OWN_CONFIG,
  });
}

/**
 * The transforms that it and what it extends name, as asc would look for them: paths become absolute. Nothing of what
 * cannot be read: asc reads it again, and says why.
 */
export async function configuredTransforms(file: string): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  for (let next = file; !seen.has(next) && resolve(next) !== OWN_CONFIG;) {
    seen.add(next);
    const text = await readFile(next, "utf8").catch(() => null);
    if (text === null) break;
    const config = parse(text, next);
    for (const { transform } of [config.targets?.["release"] ?? {}, config.options ?? {}])
      for (const name of [transform ?? []].flat())
        if (typeof name === "string")
          found.push(/^\.{0,2}\//.test(name) ? resolve(dirname(next), name) : name);
    if (typeof config.extends !== "string") break;
    next = resolve(dirname(next), config.extends);
  }
  return found;
}

function withoutDecided(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !DECIDED_HERE.includes(key)));
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A lib folder's files, as asc itself lists them: sources only. */
export function isLibrarySource(name: string): boolean {
  return name.endsWith(".ts") && !name.endsWith(".d.ts") && basename(name) === name;
}
