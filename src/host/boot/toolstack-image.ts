/** The toolstack's image: built from src/guest/toolstack once, kept in the cache by what it is made from. */
import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { buildImage } from "../build/build.js";
import type { HypercallMode } from "../build/link/toolchain.js";
import type { Progress } from "../base/progress.js";
import { packageRoot } from "../base/package-root.js";

/** Everything that the image's bytes depend on, but the compilers' own versions. */
const SOURCES = [
  "src/guest",
  "src/host/build",
  "src/host/elf",
  "boot",
  "linker",
  "runtime",
  "asconfig.json",
];

const IMAGE = "image.elf";

/** Programs that Xen boots as dom0. */
export type ToolstackProgram = "toolstack/main.ts" | "conformance/main.ts";

/**
 * The path of that program's image. The first call after a change of the sources builds it (seconds), further ones find
 * it. Throws a BuildError if it does not build, and a UserError (122) if the cache cannot be written.
 */
export async function toolstackImage(
  program: ToolstackProgram = "toolstack/main.ts",
  options: { progress?: Progress; signal?: AbortSignal; hypercall?: HypercallMode } = {},
): Promise<string> {
  const { progress, signal, hypercall = "direct" } = options;
  const mode = hypercall === "direct" ? "" : `-${hypercall}`;
  const name = `${program.replaceAll("/", "-").replace(/\.ts$/, "")}${mode}-${await digest()}`;
  let building = false;
  const { tree } = await new Cache()
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
          ...(signal === undefined ? {} : { signal }),
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
  return path.join(tree, IMAGE);
}

async function digest(): Promise<string> {
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
  const gcc = await execa("gcc", ["--version"], { reject: false });
  hash.update(gcc.stdout);
  return hash.digest("hex").slice(0, 16);
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
