// What wasm2c's C is told besides, so that gcc knows what the lowering knows.

import { isForeign } from "./imports.js";
import type { WasmModule } from "./wasm.js";

export interface LoweredC {
  c: string;
  header: string;
}

/** wasm2c's files for the module `guest`, with what follows. */
export function informed(text: LoweredC, module: WasmModule): LoweredC {
  const any = forAnyModule(text);
  return isForeign(module) ? any : { ...any, c: withLengths(any.c) };
}

/** What does not depend on where the module is from. */
export function forAnyModule(text: LoweredC): LoweredC {
  const own = withOwnGlobals(text);
  return { ...own, c: withFloatsOfIntegers(own.c) };
}

/**
 * There is one instance, so its globals are variables of their own: one whose address nobody takes (that is, which is
 * not exported) cannot be what a store to linear memory writes.
 */
export function withOwnGlobals({ c, header }: LoweredC): LoweredC {
  const [, module = ""] = /^typedef struct w2c_(\w+) \{$/m.exec(header) ?? [];
  const own = new Map<string, string>();
  const rest = header.replace(
    /^ {2}([uf](?:32|64)) w2c_(\w+);\n/gm,
    (_, type: string, name: string) => {
      own.set(`w2c_${name}`, `static ${type} global_${module}_${name};\n`);
      return "";
    },
  );
  return {
    header: rest,
    c: c
      .replace(/\binstance->(\w+)/g, (use, field: string) =>
        own.has(field) ? field.replace("w2c", `global_${module}`) : use,
      )
      .replace(/^#include "\w+\.h"\n/m, (line) => line + [...own.values()].join("")),
  };
}

/** A conversion of an integer goes through of_integer_f32 or of_integer_f64 (runtime/wasm/wasm-ops.h), which has the reason. */
export function withFloatsOfIntegers(c: string): string {
  return c.replace(
    /(?<= = )\((f32|f64)\)((?:\(s(?:32|64)\))?\(var_[ij]\d+\))(?=;)/g,
    "of_integer_$1(($1)$2)",
  );
}

/**
 * AssemblyScript's objects have their length in a header before them (OBJECT in std/assembly/rt/common.ts: 20 bytes,
 * rtSize at 16). The library reads it by `changetype<OBJECT>(pointer - 20).rtSize`; whatever may write it is a store
 * of 32 bits at offset 16. No other store writes it, so a length need not be read again behind one.
 */
export function withLengths(c: string): string {
  return c
    .replace(
      /^( *(var_i\d+) = 20u;\n *(var_i\d+) -= \2;\n *var_i\d+ = )i32_load_default32\(&instance->\w+, (\(u64\)\(\3\) \+ 16u\))/gm,
      "$1load_length($4",
    )
    .replace(
      /\bi32_store_default32\(&instance->\w+, (\(u64\)\(var_i\d+\) \+ 16u?), /g,
      "store_length($1, ",
    );
}
