// Constant expressions: what a global is at first, where a segment goes, what a segment's elements are. With the
// extended constants (add, sub, mul), and evaluated here, since nothing in one is known later than that.
// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions

import type { Bytes } from "./bytes.js";
import type { Constant, ValueType, WasmModule } from "./module.js";
import { referenceType } from "./types.js";

const END = 0x0b;

type Operation = (a: bigint, b: bigint) => bigint;
const OPERATIONS: [type: "i32" | "i64", first: number][] = [
  ["i32", 0x6a],
  ["i64", 0x7c],
];
const ARITHMETIC: Operation[] = [(a, b) => a + b, (a, b) => a - b, (a, b) => a * b];

function globalValue(r: Bytes, module: WasmModule): Constant {
  const index = r.u32();
  const global = module.globals[index];
  if (global === undefined) return r.fail(`global ${index} is not known here`);
  if (global.mutable)
    return r.fail(`a constant expression reads global ${index}, which is mutable`);
  // An imported one; the module is refused for its import.
  return global.initial ?? zero(global.type);
}

function zero(type: ValueType): Constant {
  return type === "funcref" || type === "externref" ? { type, function: null } : { type, bits: 0n };
}

/** Reads one up to its `end`; fails unless it is of type `wanted`. */
export function constant(r: Bytes, module: WasmModule, wanted: ValueType): Constant {
  const stack: Constant[] = [];
  for (let code = r.byte(); code !== END; code = r.byte()) {
    if (code === 0x41) stack.push({ type: "i32", bits: BigInt.asUintN(32, BigInt(r.s32())) });
    else if (code === 0x42) stack.push({ type: "i64", bits: BigInt.asUintN(64, r.s64()) });
    else if (code === 0x43) stack.push({ type: "f32", bits: BigInt(r.u32le()) });
    else if (code === 0x44) stack.push({ type: "f64", bits: r.u64le() });
    else if (code === 0x23) stack.push(globalValue(r, module));
    else if (code === 0xd0) stack.push({ type: referenceType(r), function: null });
    else if (code === 0xd2) {
      const index = r.u32();
      if (module.functions[index] === undefined) r.fail(`function ${index} does not exist`);
      module.declared.add(index);
      stack.push({ type: "funcref", function: index });
    } else if (code === 0xfd && r.all[r.position] === 0x0c) {
      r.byte();
      const [low, high] = [r.u64le(), r.u64le()];
      stack.push({ type: "v128", bits: (high << 64n) | low });
    } else {
      const [type, first] = OPERATIONS.find(([, at]) => code >= at && code < at + 3) ?? [];
      const operation = ARITHMETIC[code - (first ?? 0)];
      if (type === undefined || operation === undefined)
        return r.fail(`instruction 0x${code.toString(16)} is not constant`);
      const [b, a] = [stack.pop(), stack.pop()];
      if (a?.type !== type || b?.type !== type)
        return r.fail("type mismatch in a constant expression");
      stack.push({
        type,
        bits: BigInt.asUintN(type === "i32" ? 32 : 64, operation(a.bits, b.bits)),
      });
    }
  }
  const [value] = stack;
  if (value === undefined || stack.length !== 1 || value.type !== wanted)
    return r.fail(`a constant expression: expected one ${wanted}`);
  return value;
}
