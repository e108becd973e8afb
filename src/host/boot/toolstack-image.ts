/** The toolstack's image: built from src/guest/toolstack once, kept in the cache by what it is made from. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { cacheFolder } from "../cache/cache-folder.js";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { buildImage } from "../build/build.js";
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

/** Programs that Xen boots as dom0. */
export type ToolstackProgram = "toolstack/main.ts" | "conformance/main.ts";

/**
 * The path of that program's image. The first call after a change of the sources builds it (seconds), further ones find
 * it. Throws a BuildError if it does not build, and a UserError (122) if the cache cannot be written.
 */
export async function toolstackImage(
  program: ToolstackProgram = "toolstack/main.ts",
  options: { progress?: Progress; signal?: AbortSignal } = {},
): Promise<string> {
  const { progress, signal } = options;
  const folder = path.join(cacheFolder(), "toolstack");
  const name = program.replaceAll("/", "-").replace(/\.ts$/, "");
  const image = path.join(folder, `${name}-${await digest()}.elf`);
  if (await isFile(image)) return image;
  progress?.start("building the toolstack");
  // Made aside and renamed: whoever needs it at the same time finds it whole.
  const fresh = path.join(folder, `${name}-${randomUUID()}.elf`);
  try {
    await mkdir(folder, { recursive: true });
    await buildImage({
      entry: path.join(packageRoot, "src/guest", program),
      output: fresh,
      native: await nativeFilesOf(program),
      ...(signal === undefined ? {} : { signal }),
    });
    await rename(fresh, image);
  } catch (error) {
    progress?.fail("building the toolstack failed");
    await rm(fresh, { force: true });
    if (error instanceof UserError) throw error;
    throw new UserError(`the toolstack's image cannot be kept: ${(error as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause: error,
    });
  }
  progress?.done("built the toolstack");
  return image;
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

/** The C that a program imports from: what is in its folder "native". */
async function nativeFilesOf(program: ToolstackProgram): Promise<string[]> {
  const folder = path.join(packageRoot, "src/guest", path.dirname(program), "native");
  return (await filesOf(folder)).filter((file) => file.endsWith(".c"));
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

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false;
}
