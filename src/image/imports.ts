// Which imports a guest can have, and a clear word about those that it cannot.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { packageRoot } from "../package-root.js";
import { BuildError } from "./build-error.js";
import type { WasmImport, WasmModule } from "./wasm.js";

/** The names of module "xen" that linker/intrinsics.h defines. */
async function intrinsics(): Promise<Set<string>> {
  const header = await readFile(join(packageRoot, "linker", "intrinsics.h"), "utf8");
  return new Set([...header.matchAll(/^INTRINSIC\([^,]+, (\w+)/gm)].map((match) => match[1] ?? ""));
}

/** A module that speaks to Xen itself, by xenlet's runtime; any other is told of by the C around it. */
export function isForeign(module: WasmModule): boolean {
  return !module.imports.some((one) => one.module === "xen");
}

const describe = ({ module, name, kind }: WasmImport): string => `${module}.${name} (${kind})`;

/** Throws BuildError unless a guest has all that the module imports; `native`: somebody's C brings module "native". */
export async function checkImports(module: WasmModule, native: boolean): Promise<void> {
  const known = await intrinsics();
  const met = ({ module: from, name, kind }: WasmImport): boolean =>
    kind === "function" &&
    ((from === "xen" && known.has(name)) ||
      (from === "env" && name === "abort") ||
      (from === "native" && native));
  const unmet = module.imports.filter((one) => !met(one));
  if (unmet.length === 0) return;
  throw new BuildError(
    `the module imports what a Xen guest has not: ${unmet.map(describe).join(", ")}`,
  );
}
