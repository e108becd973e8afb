// Which imports a guest can have, and a clear word about those that it cannot.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { packageRoot } from "../../base/package-root.js";
import { BuildError } from "../build-error.js";
import type { WasmModule } from "./wasm.js";

/** The names of module "xen" that runtime/wasm/intrinsics.h defines. */
async function intrinsics(): Promise<Set<string>> {
  const header = await readFile(join(packageRoot, "runtime", "wasm", "intrinsics.h"), "utf8");
  return new Set([...header.matchAll(/^INTRINSIC\([^,]+, (\w+)/gm)].map((match) => match[1] ?? ""));
}

const WASI = "wasi_snapshot_preview1";

/** The functions of WASI preview 1 by name, with their types: runtime/wasi/*.c has them all. */
async function wasiFunctions(): Promise<Map<string, string>> {
  const texts = await Promise.all(
    ["wasi.c", "wasi-fd.c"].map((file) =>
      readFile(join(packageRoot, "runtime", "wasi", file), "utf8"),
    ),
  );
  const wasmType = (c = ""): string => (c === "uint32_t" ? "i32" : c === "uint64_t" ? "i64" : "");
  const defined = texts.join("\n").matchAll(/^DEFINE\((\w+), (\w+)((?:, \w+ \w+)*)\)/gm);
  return new Map(
    [...defined].map(([, result, name = "", parameters = ""]) => {
      const types = [...parameters.matchAll(/, (\w+)/g)].map(([, type]) => wasmType(type));
      return [name, `${types.join(" ")} -> ${wasmType(result)}`.trim()];
    }),
  );
}

/** A module that speaks to Xen itself, by xenlet's runtime; any other is told of by the C around it. */
export function isForeign(module: WasmModule): boolean {
  return !module.imports.some((one) => one.module === "xen");
}

/** Throws BuildError unless a guest has all that the module imports; `native`: somebody's C brings module "native". */
export async function checkImports(module: WasmModule, native: boolean): Promise<void> {
  const [known, wasi] = await Promise.all([intrinsics(), wasiFunctions()]);
  const functions = module.imports.filter((one) => one.kind === "function");
  const unmet = module.imports.flatMap((one) => {
    const { module: from, name, kind } = one;
    const described = `${from}.${name} (${kind})`;
    if (kind !== "function") return [described];
    if (from === WASI) {
      const wanted = module.signatures[functions.indexOf(one)];
      const type = wasi.get(name);
      if (type === wanted) return [];
      return [
        type === undefined
          ? described
          : `${described}: its type is "${type}", not "${String(wanted)}"`,
      ];
    }
    const met =
      (from === "xen" && known.has(name)) ||
      (from === "env" && name === "abort") ||
      (from === "native" && native);
    return met ? [] : [described];
  });
  if (unmet.length === 0) return;
  throw new BuildError(`the module imports what a Xen guest has not: ${unmet.join(", ")}`);
}
