// What stands around functions that make tail calls, or that are called by one (calls.ts has the calls themselves).

import type { FunctionType, ValueType, WasmModule } from "../decode/module.js";
import type { ModuleUses } from "./function-state.js";
import { LETTERS, resultType, type Symbols } from "./symbols.js";

export function tailVariables(
  symbols: Symbols,
  uses: ModuleUses,
): [declaration: string, initial: string][] {
  const { prefix } = symbols;
  return [
    [`union tail_value ${prefix}tail_values[${Math.max(1, uses.tailValues)}]`, ""],
    [`void (*${prefix}tail_next)(void)`, ""],
  ];
}

const valuesOf = (symbols: Symbols, types: ValueType[]): string[] =>
  types.map((type, at) => `${symbols.prefix}tail_values[${at}].${LETTERS[type]}`);

function resultsFrom(symbols: Symbols, type: FunctionType): string {
  const values = valuesOf(symbols, type.results);
  return values.length === 1 ? values.join() : `(${resultType(type)}){${values.join(", ")}}`;
}

/** A function that makes tail calls, as other functions call it: it continues until no tail call is pending. */
export function tailCaller(
  symbols: Symbols,
  index: number,
  type: FunctionType,
  signature: string,
): string {
  const next = `${symbols.prefix}tail_next`;
  const values = type.parameters.map((_, at) => `p${at}`).join(", ");
  const call = `${symbols.tailBody(index)}(${values});`;
  const run = `do { void (*callee)(void) = ${next}; ${next} = NULL; callee(); } while (${next});`;
  if (type.results.length === 0) return `${signature} { ${call} if (UNLIKELY(${next})) ${run} }\n`;
  return (
    `${signature} {\n  ${resultType(type)} result = ${call}\n` +
    `  if (UNLIKELY(${next})) { ${run} result = ${resultsFrom(symbols, type)}; }\n  return result;\n}\n`
  );
}

/** A function as a tail call has it called: its values are in their place, and so are its results afterwards. */
export function tailEntry(
  module: WasmModule,
  symbols: Symbols,
  index: number,
  makesTailCalls: boolean,
  signature: string,
): string {
  const type = module.functions[index] ?? { parameters: [], results: [], id: 0 };
  const callee = makesTailCalls ? symbols.tailBody(index) : symbols.function(index);
  const call = `${callee}(${valuesOf(symbols, type.parameters).join(", ")});`;
  if (type.results.length === 0) return `${signature} { ${call} }\n`;
  const places = valuesOf(symbols, type.results);
  const stores = places.map(
    (place, at) => `${place} = ${places.length === 1 ? "result" : `result.r${at}`};`,
  );
  const stored = makesTailCalls
    ? `if (!${symbols.prefix}tail_next) { ${stores.join(" ")} }`
    : stores.join(" ");
  return `${signature} { ${resultType(type)} result = ${call} ${stored} }\n`;
}
