/** The toolstack's image: built from src/guest/toolstack once, kept in the cache by what it is made from. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Cache, type Entry } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { digest, digestFile, digestFolder } from "../cache/stage-cache.js";
import { buildImage } from "../build/build.js";
import { digestOfCompiler, type HypercallMode } from "../build/link/toolchain.js";
import { digestOfBuilder } from "../build/builder-digest.js";
import type { Progress } from "../base/progress.js";
import { packageRoot } from "../base/package-root.js";
import { given } from "../base/given.js";

/** What the image's bytes depend on, beside the code that builds it and the compilers. */
const SOURCES = ["src/guest", "boot", "linker", "runtime"];

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
    nameOfToolstack(program, options.hypercall),
  );
  const { tree } = shipped ?? (await buildToolstack(program, options));
  return path.join(tree, IMAGE);
}

/** By the sources alone: what the package brings along does whatever compiler there is. */
export function nameOfToolstack(
  program: ToolstackProgram,
  hypercall: HypercallMode = "direct",
): string {
  const mode = hypercall === "direct" ? "" : `-${hypercall}`;
  return `${program.replaceAll("/", "-").replace(/\.ts$/, "")}${mode}-${digestOfSources().slice(0, 16)}`;
}

/** The entry of the cache that holds it, built by this machine's compilers. Throws as `toolstackImage` does. */
export async function buildToolstack(
  program: ToolstackProgram,
  { progress, signal, hypercall = "direct" }: ToolstackOptions = {},
): Promise<Entry> {
  const compiler = await digestOfCompiler();
  const name = `${nameOfToolstack(program, hypercall)}-${compiler.slice(0, 8)}`;
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
        onWait: () =>
          progress?.note("waiting for another xenlet process that is building the toolstack"),
      },
    )
    .catch((error: unknown) => {
      if (building) progress?.fail("failed to build the toolstack");
      throw error;
    });
}

function digestOfSources(): string {
  const asc = fileURLToPath(import.meta.resolve("assemblyscript/package.json"));
  return digest(
    ...SOURCES.map((source) => digestFolder(path.join(packageRoot, source))),
    ...[path.join(packageRoot, "asconfig.json"), asc].map((file) => digestFile(file)),
    digestOfBuilder(),
  );
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
