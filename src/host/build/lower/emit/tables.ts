// References and tables: macros of runtime/wasm/tables.h.
// https://webassembly.github.io/spec/core/valid/instructions.html#table-instructions

import type { Bytes } from "../decode/bytes.js";
import { unsupported } from "../decode/errors.js";
import type { ReferenceType } from "../decode/module.js";
import { referenceType } from "../decode/types.js";
import type { FunctionState, Handler } from "./function-state.js";

interface Table {
  index: number;
  name: string;
  element: ReferenceType;
}

function table(f: FunctionState, r: Bytes, changes: boolean): Table {
  const index = r.u32();
  const element = f.module.tables[index]?.element;
  if (element === undefined) return r.fail(`table ${index} does not exist`);
  if (changes) f.uses.changed.add(index);
  return { index, name: f.symbols.table(index), element };
}

const get: Handler = (f, r) => {
  const { name, element } = table(f, r, false);
  f.operation(["i32"], element, ([at]) => `TABLE_GET(${name}, ${at ?? ""})`);
};

const set: Handler = (f, r) => {
  const { name, element } = table(f, r, true);
  f.operation(["i32", element], null, (operands) => `TABLE_SET(${name}, ${operands.join(", ")})`);
};

const size: Handler = (f, r) => {
  const { name } = table(f, r, false);
  f.operation([], "i32", () => `${name}_size`);
};

const grow: Handler = (f, r) => {
  const { index, name, element } = table(f, r, true);
  f.uses.grown.add(index);
  f.operation([element, "i32"], "i32", (operands) => `TABLE_GROW(${name}, ${operands.join(", ")})`);
};

const fill: Handler = (f, r) => {
  const { name, element } = table(f, r, true);
  f.operation(
    ["i32", element, "i32"],
    null,
    (operands) => `TABLE_FILL(${name}, ${operands.join(", ")})`,
  );
};

const copy: Handler = (f, r) => {
  const to = table(f, r, true);
  const from = table(f, r, false);
  if (to.element !== from.element)
    r.fail(`elements of ${from.element} into a table of ${to.element}`);
  f.operation(
    ["i32", "i32", "i32"],
    null,
    (operands) => `TABLE_COPY(${to.name}, ${from.name}, ${operands.join(", ")})`,
  );
};

function segment(f: FunctionState, r: Bytes): { name: string; type: ReferenceType } {
  const index = r.u32();
  const type = f.module.elements[index]?.type;
  if (type === undefined) return r.fail(`element segment ${index} does not exist`);
  f.uses.elements.add(index);
  return { name: f.symbols.elements(index), type };
}

const init: Handler = (f, r) => {
  const elements = segment(f, r);
  const { name, element } = table(f, r, true);
  if (elements.type !== element) r.fail(`elements of ${elements.type} into a table of ${element}`);
  f.operation(
    ["i32", "i32", "i32"],
    null,
    (operands) => `TABLE_INIT(${name}, ${elements.name}, ${operands.join(", ")})`,
  );
};

const drop: Handler = (f, r) => {
  f.say(`${segment(f, r).name}_size = 0;`);
};

const refNull: Handler = (f, r) => {
  const type = referenceType(r);
  f.operands.pushConstant(type, type === "funcref" ? "NULL_FUNCREF" : "NULL_EXTERNREF");
};

const refIsNull: Handler = (f, r) => {
  const { type, text } = f.operands.popOperand(null);
  if (type !== "funcref" && type !== "externref" && type !== "unknown")
    r.fail(`type mismatch: expected a reference, found ${type}`);
  f.say(`${f.operands.push("i32")} = ${type === "funcref" ? `!${text}.code` : `!${text}`};`);
};

const refFunc: Handler = (f, r) => {
  const index = r.u32();
  if (f.module.functions[index] === undefined) r.fail(`function ${index} does not exist`);
  if (!f.module.declared.has(index)) r.fail(`function ${index} is not declared for ref.func`);
  f.say(`${f.operands.push("funcref")} = ${f.symbols.reference(index)};`);
};

const garbageCollection: Handler = (_, r) =>
  unsupported("garbage collection and typed function references", r.where);

export const TABLES: Record<number, Handler> = {
  0x25: get,
  0x26: set,
  0xd0: refNull,
  0xd1: refIsNull,
  0xd2: refFunc,
  0xd3: garbageCollection,
  0xd4: garbageCollection,
  0xd5: garbageCollection,
  0xd6: garbageCollection,
  0xfb: garbageCollection,
};

/** Behind 0xfc. */
export const BULK_TABLES: Record<number, Handler> = {
  12: init,
  13: drop,
  14: copy,
  15: grow,
  16: size,
  17: fill,
};
