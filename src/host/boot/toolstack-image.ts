/** The toolstack's image: built from src/guest/toolstack once, kept in the cache by what it is made from. */
import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Cache, type Entry } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { digest } from "../cache/stage-cache.js";
import { buildImage } from "../build/build.js";
import type { HypercallMode } from "../build/link/toolchain.js";
import { digestOfBuilder } from "../build/builder-digest.js";
import type { Progress } from "../base/progress.js";
import { packageRoot } from "../base/package-root.js";
import { given } from "../base/given.js";

/** What the image's bytes depend on, beside the code that builds it and the compilers. */
const SOURCES = ["src/guest", "boot", "linker", "runtime", "asconfig.json"];

const IMAGE = "image.elf";

/** Programs that Xen boots as dom0. */
export type ToolstackProgram = "toolstack/main.ts" | "conformance/main.ts";

export const TOOLSTACK_PROGRAMS: readonly ToolstackProgram[] = [
  "toolstack/main.ts",
  "conformance/main.ts",
];

interface ToolstackOptions {
  progress?: Progress;
  signal?: AbortSignal;
  /** Default: direct. */
  hypercall?: HypercallMode;
}

/**
 * The path of that program's image: the one that the package brings along, else built from the sources. The first call
 * after a change of them builds it (seconds), further ones find it. Throws a BuildError if it does not build, and a UserError (122) if the cache cannot be written.
 */
export async function toolstackImage(
  program: ToolstackProgram = "toolstack/main.ts",
  options: ToolstackOptions = {},
): Promise<string> {
  const shipped = await new Cache().shipped(
    KINDS.toolstack,
    await nameOfToolstack(program, options.hypercall),
  );
  const { tree } = shipped ?? (await buildToolstack(program, options));
  return path.join(tree, IMAGE);
}

/** By the sources alone: what the package brings along does whatever compiler there is. */
export async function nameOfToolstack(
  program: ToolstackProgram,
  hypercall: HypercallMode = "direct",
): Promise<string> {
  const mode = hypercall === "direct" ? "" : `-${hypercall}`;
  return `${program.replaceAll("/", "-").replace(/\.ts$/, "")}${mode}-${(await digestOfSources()).slice(0, 16)}`;
}

/** The entry of the cache that holds it, built by this machine's compilers. Throws as `toolstackImage` does. */
export async function buildToolstack(
  program: ToolstackProgram,
  { progress, signal, hypercall = "direct" }: ToolstackOptions = {},
): Promise<Entry> {
  const { execa } = await import("execa");
  const gcc = await execa("gcc", ["--version"], { reject: false });
  const name = `${await nameOfToolstack(program, hypercall)}-${digest(gcc.stdout).slice(0, 8)}`;
  let building = false;
  return new Cache()
    .provide(
      KINDS.toolstack,
      name,
      async (at) => {
        building = true;
        progress?.start("building the toolstack");
        await buildImage({
          entry: path.join(packageRoot, "src/guest", program),
          output: path.join(at.tree, IMAGE),
          native: await nativeFilesOf(program),
          hypercall,
          ...given({ signal }),
        });
        progress?.done("built the toolstack");
        return undefined;
      },
      {
        signal,
        onWait: () => progress?.note("waiting for another xenlet that is building the toolstack"),
      },
    )
    .catch((error: unknown) => {
      if (building) progress?.fail("building the toolstack failed");
      throw error;
    });
}

async function digestOfSources(): Promise<string> {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    for (const file of await filesOf(path.join(packageRoot, source)))
      hash
        .update(file.slice(packageRoot.length))
        .update("\0")
        .update(await readFile(file));
  }
  const asc = fileURLToPath(import.meta.resolve("assemblyscript/package.json"));
  hash.update(await readFile(asc));
  hash.update(await digestOfBuilder());
  return hash.digest("hex");
}

/** The C that a program imports from: what is in its folder "native", and in the toolstack's. */
async function nativeFilesOf(program: ToolstackProgram): Promise<string[]> {
  const folders = new Set([path.dirname(program), "toolstack"]);
  const found = await Promise.all(
    [...folders].map((folder) => filesOf(path.join(packageRoot, "src/guest", folder, "native"))),
  );
  return found.flat().filter((file) => file.endsWith(".c"));
}

async function filesOf(source: string): Promise<string[]> {
  const found = await stat(source).catch(() => null);
  if (found === null) return [];
  if (!found.isDirectory()) return [source];
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}
