// One function: its locals, then each instruction in turn, by its code. It is validated on the way: types, labels and
// indices are all looked at, before anything is made of them.
// https://webassembly.github.io/spec/core/valid/instructions.html

import { Bytes } from "../decode/bytes.js";
import { quoted, unsupported } from "../decode/errors.js";
import { LIMITS } from "../decode/limits.js";
import { functionText, type ValueType, type WasmModule } from "../decode/module.js";
import { valueType } from "../decode/types.js";
import { CALLS } from "./calls.js";
import { CONTROL, enter } from "./control.js";
import {
  FunctionState,
  type Handler,
  type LoweringRules,
  type ModuleUses,
} from "./function-state.js";
import type { LineTable } from "./lines.js";
import { localNames } from "./local-names.js";
import { BULK_MEMORY, MEMORY } from "./memory.js";
import { NUMERIC, SATURATING } from "./numeric.js";
import { SIMD } from "./simd.js";
import { C_TYPES, type Symbols } from "./symbols.js";
import { BULK_TABLES, TABLES } from "./tables.js";
import { VARIABLES } from "./variables.js";

const prefixed =
  (prefix: number, handlers: Record<number, Handler>): Handler =>
  (f, r) => {
    const code = r.u32();
    const unknown = (): never => r.fail(`unknown instruction 0x${prefix.toString(16)} ${code}`);
    (handlers[code] ?? unknown)(f, r);
  };

const unknown: Handler = (_, r) =>
  r.fail(`unknown instruction 0x${(r.all[r.position - 1] ?? 0).toString(16)}`);
const HANDLERS: Handler[] = [];
for (const group of [CONTROL, CALLS, VARIABLES, MEMORY, TABLES, NUMERIC])
  for (const [code, handler] of Object.entries(group)) HANDLERS[Number(code)] = handler;
HANDLERS[0xfc] = prefixed(0xfc, { ...SATURATING, ...BULK_MEMORY, ...BULK_TABLES });
HANDLERS[0xfd] = prefixed(0xfd, SIMD);
HANDLERS[0xfe] = (_, r) => unsupported("threads (atomics)", r.where);

/** The parameters, then the locals that the body declares. */
function localsOf(r: Bytes, parameters: ValueType[]): ValueType[] {
  const locals = [...parameters];
  for (let groups = r.u32(); groups > 0; groups--) {
    const count = r.u32();
    if (locals.length + count > LIMITS.locals)
      r.fail(`${locals.length + count} locals: at most ${LIMITS.locals} are allowed`);
    const type = valueType(r);
    for (let left = count; left > 0; left--) locals.push(type);
  }
  return locals;
}

const ZEROES: Record<ValueType, string> = {
  i32: "0",
  i64: "0",
  f32: "0",
  f64: "0",
  v128: "{0}",
  funcref: "{0}",
  externref: "NULL_EXTERNREF",
};

/** Declarations of variables of equal type, in lines of a length that can be read. */
function declarations(
  variables: Iterable<[name: string, type: ValueType]>,
  initialise: boolean,
): string[] {
  const byType = new Map<ValueType, string[]>();
  for (const [name, type] of variables) {
    const names = byType.get(type) ?? [];
    byType.set(type, names);
    names.push(initialise ? `${name} = ${ZEROES[type]}` : name);
  }
  const lines: string[] = [];
  for (const [type, names] of byType)
    for (let at = 0; at < names.length; at += 16)
      lines.push(`  ${C_TYPES[type]} ${names.slice(at, at + 16).join(", ")};`);
  return lines;
}

export interface LoweredFunction {
  state: FunctionState;
  /** Declarations that its statements need, as lines of C. */
  variables: string[];
}

/** Lowers the module's own function `index`, counted with the imported ones. */
export function lowerFunction(
  module: WasmModule,
  symbols: Symbols,
  uses: ModuleUses,
  rules: LoweringRules,
  index: number,
  lines: LineTable | null,
): LoweredFunction {
  const { start, end } = module.bodies[index - module.importedFunctions] ?? { start: 0, end: 0 };
  const type = module.functions[index] ?? { parameters: [], results: [], id: 0 };
  const r = new Bytes(module.bytes, start, end, functionText(module, index, quoted));
  const locals = localsOf(r, type.parameters);
  const name = module.functionNames.get(index) ?? null;
  const names = localNames(
    locals.length,
    type.parameters.length,
    rules.localNames ? (module.localNames.get(index) ?? null) : null,
  );
  const f = new FunctionState(module, symbols, uses, rules, r, type, locals, name, names);
  enter(f, "function", [], type.results);
  const code = r.position;
  while (f.frames.length > 0) {
    const at = r.position;
    f.place = lines === null ? null : lines.at(at, code);
    const byte = r.byte();
    (HANDLERS[byte] ?? unknown)(f, r);
  }
  if (!r.done) r.fail("extra bytes after its end");
  const own = locals
    .map((one, at): [string, ValueType] => [f.localName(at), one])
    .slice(type.parameters.length);
  const variables = [...declarations(own, true), ...declarations(f.operands.variables, false)];
  return { state: f, variables };
}
