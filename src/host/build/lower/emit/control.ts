// Control: blocks and branches.
//
// A block is nothing in C but a label at its end, a loop one at its beginning, so C does not nest as deep as Wasm does.
// An `if` is C's own where it is not nested too deep to be read; there gcc guesses better which way it goes.
// https://webassembly.github.io/spec/core/valid/instructions.html#control-instructions

import type { Bytes } from "../decode/bytes.js";
import { unsupported } from "../decode/errors.js";
import { LIMITS } from "../decode/limits.js";
import type { ValueType } from "../decode/module.js";
import { valueTypeOf } from "../decode/types.js";
import type { Frame, FunctionState, Handler } from "./function-state.js";
import type { Operand } from "./operands.js";
import { resultType } from "./symbols.js";

/** Beyond that an `if` is made of labels, too. */
const DEEPEST_BRACES = 40;

const NONE: ValueType[] = [];
const SINGLE = new Map<ValueType, ValueType[]>();

/** One array for each type, so that equal types of labels are mostly the same array. */
function single(type: ValueType): ValueType[] {
  const known = SINGLE.get(type) ?? [type];
  SINGLE.set(type, known);
  return known;
}

function blockType(f: FunctionState, r: Bytes): [parameters: ValueType[], results: ValueType[]] {
  const type = r.s33();
  if (type === -64) return [NONE, NONE];
  if (type < 0) return [NONE, single(valueTypeOf(type & 0x7f, r))];
  const known = f.module.types[type];
  if (known === undefined) return r.fail(`type ${type} does not exist`);
  return [known.parameters, known.results];
}

export function enter(
  f: FunctionState,
  kind: Frame["kind"],
  parameters: ValueType[],
  results: ValueType[],
): void {
  f.operands.popAll(parameters);
  if (kind === "if") f.forks++;
  f.frames.push({
    kind,
    forks: f.forks,
    parameters,
    results,
    height: f.operands.height,
    unreachable: false,
    label: f.labels++,
    targeted: false,
    entered: f.live,
    braced: false,
    otherwiseLive: false,
  });
  f.operands.pushAll(parameters);
}

const block: Handler = (f, r) => {
  const type = blockType(f, r);
  f.operands.settleAll();
  enter(f, "block", ...type);
};

const loop: Handler = (f, r) => {
  const type = blockType(f, r);
  f.operands.settleAll();
  enter(f, "loop", ...type);
  f.say(`L${f.top.label}:;`);
};

const branchIf: Handler = (f, r) => {
  const type = blockType(f, r);
  const condition = f.operands.pop("i32");
  f.operands.settleAll();
  enter(f, "if", ...type);
  if (!f.live) return;
  const frame = f.top;
  frame.braced = f.indent <= DEEPEST_BRACES;
  if (frame.braced) {
    f.say(`if (${condition}) {`);
    f.indent++;
  } else f.say(`if (!${condition}) goto E${frame.label};`);
};

/** Leaves a frame's results in their variables, and nothing else of its own. */
function finish(f: FunctionState, frame: Frame): Operand[] {
  if (f.live) f.operands.settleAll();
  const results = f.operands.popAll(frame.results);
  if (f.operands.height !== frame.height)
    f.r.fail(`${f.operands.height - frame.height} more operands than the block has results`);
  return results;
}

const otherwise: Handler = (f, r) => {
  const frame = f.top;
  if (frame.kind !== "if") r.fail("`else` without `if`");
  finish(f, frame);
  frame.otherwiseLive = f.live;
  if (frame.entered && frame.braced) f.sayAnyway("} else {", f.indent - 1);
  else if (frame.entered) {
    if (f.live) {
      f.say(`goto L${frame.label};`);
      frame.targeted = true;
    }
    f.sayAnyway(`E${frame.label}:;`);
  }
  frame.kind = "else";
  frame.unreachable = false;
  f.live = frame.entered;
  f.operands.pushAll(frame.parameters);
};

/** Whether a frame's parameters are its results, as they have to be where an `if` has no `else`. */
function passesThrough({ parameters, results }: Frame): boolean {
  return (
    parameters.length === results.length && parameters.every((type, at) => type === results[at])
  );
}

export const end: Handler = (f, r) => {
  const frame = f.top;
  if (frame.kind === "if" && !passesThrough(frame))
    r.fail("an `if` without `else` whose results are not its parameters");
  const results = finish(f, frame);
  if (frame.kind === "function") {
    f.frames.pop();
    if (f.live) f.say(returnText(f, results));
    return;
  }
  if (frame.entered && frame.braced) {
    f.indent--;
    f.sayAnyway("}");
  } else if (frame.entered && frame.kind === "if") f.sayAnyway(`E${frame.label}:;`);
  if (frame.targeted) f.sayAnyway(`L${frame.label}:;`);
  f.live ||=
    frame.targeted ||
    (frame.kind === "if" && frame.entered) ||
    (frame.kind === "else" && frame.otherwiseLive);
  f.frames.pop();
  f.operands.pushAll(frame.results);
};

function returnText(f: FunctionState, values: Operand[]): string {
  const texts = values.map(({ text }) => text);
  if (texts.length < 2) return texts.length === 0 ? "return;" : `return ${texts.join()};`;
  return `return (${resultType(f.type)}){${texts.join(", ")}};`;
}

function target(f: FunctionState, depth: number): Frame {
  const frame = f.frames[f.frames.length - 1 - depth];
  return frame ?? f.r.fail(`label ${depth} does not exist`);
}

/** The types that a branch to it hands on. */
const labelTypes = (frame: Frame): ValueType[] =>
  frame.kind === "loop" ? frame.parameters : frame.results;

/** The statements of a branch. Values only move downwards, so in order none overwrites another. */
function branchText(f: FunctionState, frame: Frame, values: Operand[]): string[] {
  if (frame.kind === "function") return [returnText(f, values)];
  const types = labelTypes(frame);
  const moves = values.flatMap(({ text }, at) => {
    const to = f.operands.variable(types[at] ?? "i32", frame.height + at);
    return to === text ? [] : [`${to} = ${text};`];
  });
  if (frame.kind !== "loop") frame.targeted = true;
  return [...moves, `goto L${frame.label};`];
}

const branch: Handler = (f, r) => {
  const frame = target(f, r.u32());
  const values = f.operands.popAll(labelTypes(frame));
  // Without this, gcc may leave of it a jump that has no line: a guest that hangs there could not be told where.
  if (frame.kind === "loop" && frame.forks === f.forks) f.say("ENDLESS;");
  if (f.live) for (const text of branchText(f, frame, values)) f.say(text);
  f.forks++;
  f.unreachable();
};

const branchWhen: Handler = (f, r) => {
  f.forks++;
  const frame = target(f, r.u32());
  const condition = f.operands.pop("i32");
  const types = labelTypes(frame);
  const values = f.operands.popAll(types);
  if (f.live) {
    const texts = branchText(f, frame, values);
    const text = texts.length === 1 ? texts.join() : `{ ${texts.join(" ")} }`;
    f.say(`if (${condition}) ${text}`);
  }
  f.operands.pushBack(values, types);
};

/** As C's switch. Each label's types are looked at once, however often it occurs. */
const branchTable: Handler = (f, r) => {
  f.forks++;
  const depths = r.vector("branch targets", LIMITS.branchTargets, () => r.u32());
  const last = r.u32();
  const index = f.operands.pop("i32");
  const frame = target(f, last);
  const arity = labelTypes(frame).length;
  const seen = new Set<ValueType[]>();
  const cases = new Map<number, number[]>();
  depths.forEach((depth, at) => {
    const known = cases.get(depth);
    if (known) {
      known.push(at);
      return;
    }
    cases.set(depth, [at]);
    const types = labelTypes(target(f, depth));
    if (types.length !== arity) r.fail("a br_table's labels differ in their number of operands");
    if (seen.has(types)) return;
    seen.add(types);
    f.operands.check(types);
  });
  const values = f.operands.popAll(labelTypes(frame));
  if (f.live) {
    f.say(`switch (${index}) {`);
    for (const [depth, numbers] of cases) {
      if (depth === last) continue; // with the default
      for (const number of numbers) f.say(`case ${number}:`);
      f.say(`  ${branchText(f, target(f, depth), values).join(" ")}`);
    }
    f.say("default:");
    f.say(`  ${branchText(f, frame, values).join(" ")}`);
    f.say("}");
  }
  f.unreachable();
};

const returns: Handler = (f) => {
  f.forks++;
  f.say(returnText(f, f.operands.popAll(f.type.results)));
  f.unreachable();
};

const exceptions: Handler = (_, r) => unsupported("exceptions", r.where);

export const CONTROL: Record<number, Handler> = {
  0x00: (f) => {
    f.say("TRAP(UNREACHABLE);");
    f.unreachable();
  },
  0x01: () => undefined, // nop
  0x02: block,
  0x03: loop,
  0x04: branchIf,
  0x05: otherwise,
  0x06: exceptions,
  0x07: exceptions,
  0x08: exceptions,
  0x09: exceptions,
  0x0a: exceptions,
  0x0b: end,
  0x0c: branch,
  0x0d: branchWhen,
  0x0e: branchTable,
  0x0f: returns,
  0x18: exceptions,
  0x19: exceptions,
  0x1f: exceptions,
};
