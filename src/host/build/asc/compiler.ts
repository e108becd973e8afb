// Which copy of AssemblyScript's compiler a guest is compiled with.

import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, relative } from "node:path";

import { UserError } from "../../base/errors.js";
import { BuildError } from "../build-error.js";

export interface Compiler {
  /** The package's folder, without symbolic links. */
  folder: string;
  version: string;
}

const MANIFEST = "assemblyscript/package.json";

function compilerSeenFrom(file: string): Compiler | null {
  try {
    const manifest = realpathSync(createRequire(file).resolve(MANIFEST));
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    return { folder: dirname(manifest), version };
  } catch {
    return null;
  }
}

/** The one that this package depends on. */
export function ownCompiler(): Compiler {
  const own = compilerSeenFrom(import.meta.url);
  if (own === null)
    throw new UserError("assemblyscript not found (needed to compile guests)", {
      exitCode: 122,
      hint: "npm install",
    });
  return own;
}

/**
 * A transform uses the compiler that it imports itself. Where that is another copy of our version, it is taken for the
 * whole compilation: two copies know nothing of each other's syntax trees. Throws a BuildError where the versions
 * differ, and a UserError for a transform that cannot be found.
 */
export function compilerFor(transforms: readonly string[], folders: readonly string[]): Compiler {
  const own = ownCompiler();
  let chosen: { compiler: Compiler; transform: string } | null = null;
  for (const transform of transforms) {
    const theirs = compilerSeenFrom(findTransform(transform, folders));
    if (theirs === null) continue; // it does without
    if (theirs.version !== own.version)
      throw new BuildError(
        `the transform ${transform} uses assemblyscript ${theirs.version} (${nameFolder(theirs.folder)}), ` +
          `but guests are compiled with assemblyscript ${own.version}`,
        { hint: `npm install --save-dev assemblyscript@${own.version}` },
      );
    if (chosen !== null && chosen.compiler.folder !== theirs.folder)
      throw new BuildError(
        `the transforms ${chosen.transform} and ${transform} use two copies of assemblyscript, ` +
          `${nameFolder(chosen.compiler.folder)} and ${nameFolder(theirs.folder)}`,
        { hint: "npm dedupe" },
      );
    chosen ??= { compiler: theirs, transform };
  }
  return chosen?.compiler ?? own;
}

/** As asc looks for it: a path or a package's name, from these folders. */
function findTransform(transform: string, folders: readonly string[]): string {
  try {
    return createRequire(import.meta.url).resolve(transform.trim(), { paths: [...folders] });
  } catch (cause) {
    throw new UserError(
      `cannot find the transform ${transform} from ${[...new Set(folders.map(nameFolder))].join(" and ")}`,
      { cause },
    );
  }
}

function nameFolder(folder: string): string {
  const name = relative(process.cwd(), folder);
  return name === "" ? "this folder" : name.startsWith("..") ? folder : name;
}
