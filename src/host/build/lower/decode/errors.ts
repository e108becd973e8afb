// What is said of a module that cannot be lowered: one sentence, in which nothing of the module can move a cursor.

import { BuildError } from "../../build-error.js";

/** A name out of the module, for a message: quoted, with everything escaped that a terminal would act on. */
export function quoted(name: string): string {
  const short = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The module breaks a rule of Wasm's. `where`: the part of the module, as `function 12`. */
export function invalid(where: string, what: string): never {
  throw new BuildError(`the Wasm module is not valid: ${where}: ${what}`);
}

/** The module uses a proposal that the lowering does not implement. */
export function unsupported(feature: string, where: string): never {
  throw new BuildError(`unsupported Wasm feature: ${feature} (${where})`);
}
