// Which imports a guest can have, and a clear word about those that it cannot.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { packageRoot } from "../../base/package-root.js";
import { BuildError } from "../build-error.js";
import { quoted } from "./decode/errors.js";
import { typeText, type WasmImport, type WasmModule } from "./decode/module.js";

/** Types by name: `i32 i64 -> i32`. */
type Signatures = Map<string, string>;

/** By module, the macros that define its functions: preview 0 has those whose structures were the same. */
const WASI = { wasi_snapshot_preview1: "DEFINE(?:_PREVIEW1)?", wasi_unstable: "DEFINE" };
const runtime = (file: string): Promise<string> =>
  readFile(join(packageRoot, "runtime", file), "utf8");

const wasmType = (cType: string): string =>
  ({ void: "", uint32_t: "i32", uint64_t: "i64" })[cType] ?? cType;

/** Functions that lines of our own C define: `MACRO(result, name, type parameter, …)`. */
function signatures(text: string, macro: string): Signatures {
  const lines = text.matchAll(
    new RegExp(`^${macro}\\((\\w+), (\\w+)(?:, void)?((?:, \\w+ \\w+)*)\\)`, "gm"),
  );
  return new Map(
    [...lines].map(([, result = "", name = "", parameters = ""]) => {
      const types = [...parameters.matchAll(/, (\w+)/g)].map(([, type = ""]) => wasmType(type));
      return [name, `${types.join(" ")} -> ${wasmType(result)}`.trim()];
    }),
  );
}

/** What a guest has of each module but "native". */
async function provided(): Promise<Map<string, Signatures>> {
  const wasi = await Promise.all(
    ["wasi.c", "wasi-fd.c"].map((file) => runtime(join("wasi", file))),
  );
  return new Map([
    ["xen", signatures(await runtime(join("wasm", "intrinsics.h")), "INTRINSIC")],
    ...Object.entries(WASI).map(([name, macro]): [string, Signatures] => [
      name,
      signatures(wasi.join("\n"), macro),
    ]),
    ["env", new Map([["abort", "i32 i32 i32 i32 ->"]])],
  ]);
}

export interface ImportRules {
  /** The user's C provides module "native". */
  native: boolean;
  /** Module "xen" may be imported: hypercalls, the machine's registers, other domains' frames. */
  hypercalls: boolean;
}

function unmet(one: WasmImport, known: Map<string, Signatures>, rules: ImportRules): string | null {
  const described = `${quoted(one.module)} ${quoted(one.name)} (${one.kind})`;
  if (one.type === null) return described;
  if (one.module === "native" && rules.native) return null;
  const wanted = known.get(one.module)?.get(one.name);
  if (wanted === undefined) return described;
  const type = typeText(one.type);
  return type === wanted ? null : `${described} of type "${type}": expected "${wanted}"`;
}

/** Throws BuildError unless a guest has all that the module imports. */
export async function checkImports(module: WasmModule, rules: ImportRules): Promise<void> {
  const known = await provided();
  const missing = module.imports.flatMap((one) => unmet(one, known, rules) ?? []);
  if (missing.length > 0) throw new BuildError(`unsupported imports: ${missing.join(", ")}`);
  if (!rules.hypercalls && module.imports.some((one) => one.module === "xen"))
    throw new BuildError(
      'the module imports hypercalls (module "xen"), which can do anything that its domain can',
      { hint: "--allow-hypercalls, if you trust it" },
    );
}
