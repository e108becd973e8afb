// Calls, and tail calls.
//
// A tail call takes no stack: its values go into a place of the module's, the callee's name besides, and the caller
// returns. That one's caller continues with the function named there, until none is (module-text.ts has the
// other half). So a function that makes no tail calls costs nothing for those that do.
// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

import { unsupported } from "../decode/errors.js";
import type { Bytes } from "../decode/bytes.js";
import type { FunctionType } from "../decode/module.js";
import type { FunctionState, Handler } from "./function-state.js";
import type { Operand } from "./operands.js";
import { LETTERS, resultType } from "./symbols.js";

const textsOf = (operands: Operand[]): string => operands.map(({ text }) => text).join(", ");

/** The call, and its results in their variables. */
function called(
  f: FunctionState,
  { results }: FunctionType,
  call: string,
  type: FunctionType,
): void {
  if (results.length === 0) f.say(`${call};`);
  else if (results.length === 1) {
    const [only] = results;
    if (only !== undefined) f.say(`${f.operands.push(only)} = ${call};`);
  } else {
    const taken = results.map((one, at) => `${f.operands.push(one)} = results.r${at};`);
    f.say(`{ ${resultType(type)} results = ${call}; ${taken.join(" ")} }`);
  }
}

function callee(f: FunctionState, r: Bytes): { index: number; type: FunctionType } {
  const index = r.u32();
  const type = f.module.functions[index];
  return type === undefined ? r.fail(`function ${index} does not exist`) : { index, type };
}

const call: Handler = (f, r) => {
  const { index, type } = callee(f, r);
  const values = f.operands.popAll(type.parameters);
  called(f, type, `${f.symbols.function(index)}(${textsOf(values)})`, type);
};

/** The type and table that an indirect call names, and the operand that says which element. */
function indirect(f: FunctionState, r: Bytes): { type: FunctionType; table: number; at: string } {
  const typeIndex = r.u32();
  const table = r.u32();
  const type = f.module.types[typeIndex];
  if (type === undefined) return r.fail(`type ${typeIndex} does not exist`);
  const element = f.module.tables[table]?.element;
  if (element === undefined) r.fail(`table ${table} does not exist`);
  if (element !== "funcref") r.fail(`table ${table} is of ${element}, and not of functions`);
  f.uses.types.add(type);
  return { type, table, at: f.operands.pop("i32") };
}

const callIndirect: Handler = (f, r) => {
  const { type, table, at } = indirect(f, r);
  const values = f.operands.popAll(type.parameters);
  const entry = `CALLEE(${f.symbols.table(table)}, ${at}, ${f.symbols.type(type)}, ${type.id})`;
  called(f, type, `${entry}(${textsOf(values)})`, type);
};

/** Nothing, of the type that the function returns: its caller does not look at it. */
function emptyReturn({ results }: FunctionType): string {
  const [only] = results;
  if (only === undefined) return "return;";
  const plain = results.length === 1 && only !== "funcref" && only !== "v128";
  return plain ? "return 0;" : `return (${resultType({ parameters: [], results, id: 0 })}){0};`;
}

function tailCall(f: FunctionState, type: FunctionType, next: string): void {
  if (type.results.join() !== f.type.results.join())
    f.r.fail("a tail call's results are not those of the function that makes it");
  const values = f.operands.popAll(type.parameters);
  const { prefix } = f.symbols;
  f.makesTailCalls = true;
  f.uses.tailValues = Math.max(f.uses.tailValues, values.length, type.results.length);
  values.forEach(({ text }, at) => {
    const letter = LETTERS[type.parameters[at] ?? "i32"];
    f.say(`${prefix}tail_values[${at}].${letter} = ${text};`);
  });
  f.say(`${prefix}tail_next = ${next};`);
  f.say(emptyReturn(f.type));
  f.unreachable();
}

const returnCall: Handler = (f, r) => {
  const { index, type } = callee(f, r);
  f.uses.tailCalled.add(index);
  tailCall(f, type, f.symbols.tailEntry(index));
};

const returnCallIndirect: Handler = (f, r) => {
  const { type, table, at } = indirect(f, r);
  f.uses.tailCallsIndirect = true;
  tailCall(f, type, `TAIL_CALLEE(${f.symbols.table(table)}, ${at}, ${type.id})`);
};

const typedReferences: Handler = (_, r) =>
  unsupported("garbage collection and typed function references", r.where);

export const CALLS: Record<number, Handler> = {
  0x10: call,
  0x11: callIndirect,
  0x12: returnCall,
  0x13: returnCallIndirect,
  0x14: typedReferences,
  0x15: typedReferences,
};
