// What of a module is the program, and whether a guest can have it.

import { BuildError } from "../build-error.js";
import { quoted } from "./decode/errors.js";
import { typeText, type WasmModule } from "./decode/module.js";

/** The function that is the program: `_start` (a command), else `_initialize`; null: instantiating it is all. */
export function entryOf(module: WasmModule): number | null {
  const entry = ["_start", "_initialize"]
    .map((name) => module.exports.find((one) => one.name === name))
    .find((one) => one?.kind === "function");
  if (entry === undefined) {
    if (module.start !== null) return null;
    throw new BuildError(
      "the module exports no _start and has no start function: nothing would run",
    );
  }
  const type = module.functions[entry.index];
  const text = type === undefined ? "?" : typeText(type);
  if (text !== "->")
    throw new BuildError(
      `the module's ${quoted(entry.name)} has the type "${text}": expected no parameters and no results`,
    );
  return entry.index;
}

/** sizeof(funcref) and sizeof(externref) in runtime/wasm/tables.h. */
const ELEMENT_BYTES = { funcref: 24, externref: 8 };
const MOST_TABLE_BYTES = 8 * 2 ** 20;

/** Throws BuildError if the tables, as they are at first, take more room than an image has for them. */
export function checkTables(module: WasmModule): void {
  const bytes = module.tables.reduce(
    (sum, { element, minimum }) => sum + minimum * ELEMENT_BYTES[element],
    0,
  );
  if (bytes > MOST_TABLE_BYTES)
    throw new BuildError(
      `the module's tables take ${bytes} bytes: at most ${MOST_TABLE_BYTES} fit into an image`,
    );
}
