// Locals, globals, constants, and what only moves operands.
// https://webassembly.github.io/spec/core/valid/instructions.html#variable-instructions

import type { Bytes } from "../decode/bytes.js";
import type { ValueType, WasmGlobal } from "../decode/module.js";
import { valueType } from "../decode/types.js";
import type { FunctionState, Handler } from "./function-state.js";
import { f32Literal, f64Literal, i32Literal, i64Literal, literal } from "./literals.js";

function local(f: FunctionState, r: Bytes): { index: number; type: ValueType; name: string } {
  const index = r.u32();
  const type = f.locals[index];
  if (type === undefined) return r.fail(`local ${index} does not exist`);
  return { index, type, name: f.localName(index) };
}

const localGet: Handler = (f, r) => {
  const { index, type, name } = local(f, r);
  f.operands.pushLocal(type, name, index);
};

const localSet: Handler = (f, r) => {
  const { index, type, name } = local(f, r);
  const text = f.operands.pop(type);
  f.operands.settleLocal(index);
  if (text !== name) f.say(`${name} = ${text};`);
};

const localTee: Handler = (f, r) => {
  const { index, type, name } = local(f, r);
  const text = f.operands.pop(type);
  f.operands.settleLocal(index);
  if (text !== name) f.say(`${name} = ${text};`);
  f.operands.pushLocal(type, name, index);
};

function global(f: FunctionState, r: Bytes): { index: number; it: WasmGlobal } {
  const index = r.u32();
  const it = f.module.globals[index];
  return it === undefined ? r.fail(`global ${index} does not exist`) : { index, it };
}

const globalGet: Handler = (f, r) => {
  const { index, it } = global(f, r);
  // One that never changes is a constant.
  if (!it.mutable && it.initial !== null && "bits" in it.initial)
    f.operands.pushConstant(it.type, literal(it.initial.type, it.initial.bits));
  else f.say(`${f.operands.push(it.type)} = ${f.symbols.global(index)};`);
};

const globalSet: Handler = (f, r) => {
  const { index, it } = global(f, r);
  if (!it.mutable) r.fail(`global ${index} is not mutable`);
  f.say(`${f.symbols.global(index)} = ${f.operands.pop(it.type)};`);
};

const drop: Handler = (f) => {
  f.operands.popOperand(null);
};

function selectOf(f: FunctionState, type: ValueType, condition: string): void {
  const [b, a] = [f.operands.pop(type), f.operands.pop(type)];
  f.say(`${f.operands.push(type)} = ${condition} ? ${a} : ${b};`);
}

const select: Handler = (f, r) => {
  const condition = f.operands.pop("i32");
  const [b, a] = [f.operands.popOperand(null), f.operands.popOperand(null)];
  const type = a.type === "unknown" ? b.type : a.type;
  if (a.type !== "unknown" && b.type !== "unknown" && a.type !== b.type)
    r.fail(`type mismatch: select of ${a.type} and ${b.type}`);
  if (type === "funcref" || type === "externref") r.fail("a select of references has no type");
  f.say(`${f.operands.push(type)} = ${condition} ? ${a.text} : ${b.text};`);
};

const typedSelect: Handler = (f, r) => {
  const types = r.vector("types of a select", 1, () => valueType(r));
  const [type] = types;
  if (type === undefined) return r.fail("a select of no type");
  selectOf(f, type, f.operands.pop("i32"));
};

export const VARIABLES: Record<number, Handler> = {
  0x1a: drop,
  0x1b: select,
  0x1c: typedSelect,
  0x20: localGet,
  0x21: localSet,
  0x22: localTee,
  0x23: globalGet,
  0x24: globalSet,
  0x41: (f, r) => {
    f.operands.pushConstant("i32", i32Literal(r.s32()));
  },
  0x42: (f, r) => {
    f.operands.pushConstant("i64", i64Literal(r.s64()));
  },
  0x43: (f, r) => {
    f.operands.pushConstant("f32", f32Literal(r.u32le()));
  },
  0x44: (f, r) => {
    f.operands.pushConstant("f64", f64Literal(r.u64le()));
  },
};
