// Wasm's operand stack, at the time of lowering: what type each operand has, and where it is in C.
//
// An operand is in a variable named after its type and height (i0, i1, … are i32), or is still a constant or a local,
// which is written where it is used. A local that is about to change is first put into the variable of each operand
// that names it; before control can part or meet, everything is.

import type { Bytes } from "../decode/bytes.js";
import type { ValueType } from "../decode/module.js";
import { LETTERS } from "./symbols.js";

/** `unknown`: of unreachable code, any type. */
export type OperandType = ValueType | "unknown";

export interface Operand {
  type: OperandType;
  /** A C expression without effects: a variable or a constant. */
  text: string;
  /** The local that it names, or -1. */
  local: number;
  /** Whether it has its variable. */
  settled: boolean;
  /** It is a difference, of something and this constant. */
  minus?: string;
}

/** What is below a frame's height is not its own; an unreachable one has any number of operands of any type. */
export interface OperandFrame {
  height: number;
  unreachable: boolean;
}

export class Operands {
  readonly #stack: Operand[] = [];
  /** All below this are in their variables. */
  #settled = 0;
  /** For each local the heights of operands that name it, lowest first. */
  readonly #naming = new Map<number, number[]>();
  /** The variables that were needed. */
  readonly variables = new Map<string, ValueType>();

  constructor(
    readonly r: Bytes,
    /** Writes a statement. */
    readonly say: (text: string) => void,
    readonly frame: () => OperandFrame,
  ) {}

  get height(): number {
    return this.#stack.length;
  }

  variable(type: ValueType, height: number): string {
    const name = `${LETTERS[type]}${height}`;
    this.variables.set(name, type);
    return name;
  }

  /** Pushes an operand that is in its variable; returns that. */
  push(type: OperandType): string {
    const text = type === "unknown" ? "0" : this.variable(type, this.#stack.length);
    this.#stack.push({ type, text, local: -1, settled: true });
    return text;
  }

  /** What was pushed last is a difference, of something and this constant. */
  markDifference(constant: string): void {
    const top = this.#stack.at(-1);
    if (top) top.minus = constant;
  }

  isDifference(constant: string): boolean {
    return this.#stack.at(-1)?.minus === constant;
  }

  pushConstant(type: ValueType, text: string): void {
    this.#stack.push({ type, text, local: -1, settled: false });
  }

  pushLocal(type: ValueType, text: string, local: number): void {
    const heights = this.#naming.get(local);
    if (heights) heights.push(this.#stack.length);
    else this.#naming.set(local, [this.#stack.length]);
    this.#stack.push({ type, text, local, settled: false });
  }

  /** Fails unless an operand of that type is there; null: of any type. */
  popOperand(expected: OperandType | null): Operand {
    const { height, unreachable } = this.frame();
    if (this.#stack.length <= height) {
      if (unreachable) return { type: "unknown", text: "0", local: -1, settled: true };
      return this.r.fail(
        `an operand is missing${expected === null ? "" : `: expected ${expected}`}`,
      );
    }
    const operand = this.#stack.pop();
    if (operand === undefined) return this.r.fail("an operand is missing");
    if (operand.local >= 0) this.#naming.get(operand.local)?.pop();
    if (this.#settled > this.#stack.length) this.#settled = this.#stack.length;
    const { type } = operand;
    if (expected !== null && expected !== "unknown" && type !== "unknown" && type !== expected)
      this.r.fail(`type mismatch: expected ${expected}, found ${type}`);
    return operand;
  }

  pop(expected: ValueType): string {
    return this.popOperand(expected).text;
  }

  popAll(types: ValueType[]): Operand[] {
    const operands: Operand[] = [];
    for (let at = types.length - 1; at >= 0; at--)
      operands.push(this.popOperand(types[at] ?? null));
    return operands.reverse();
  }

  /** Puts back what popAll() took, as of these types. */
  pushBack(operands: Operand[], types: ValueType[]): void {
    operands.forEach(({ text, local, settled }, at) => {
      const type = types[at] ?? "i32";
      if (settled) this.push(type);
      else if (local >= 0) this.pushLocal(type, text, local);
      else this.pushConstant(type, text);
    });
  }

  /** Fails unless operands of these types are there, and leaves them. */
  check(types: ValueType[]): void {
    for (const { type, text, local, settled } of this.popAll(types)) {
      if (type === "unknown" || settled) this.push(type);
      else if (local >= 0) this.pushLocal(type, text, local);
      else this.pushConstant(type, text);
    }
  }

  pushAll(types: ValueType[]): void {
    for (const type of types) this.push(type);
  }

  #settle(height: number): void {
    const operand = this.#stack[height];
    if (operand === undefined || operand.settled || operand.type === "unknown") return;
    const variable = this.variable(operand.type, height);
    this.say(`${variable} = ${operand.text};`);
    this.#stack[height] = { type: operand.type, text: variable, local: -1, settled: true };
  }

  /** The local is about to change. */
  settleLocal(local: number): void {
    const heights = this.#naming.get(local);
    if (!heights || heights.length === 0) return;
    for (const height of heights) this.#settle(height);
    heights.length = 0;
  }

  /** Puts all operands into their variables. */
  settleAll(): void {
    for (let height = this.#settled; height < this.#stack.length; height++) {
      const { local = -1 } = this.#stack[height] ?? {};
      this.#settle(height);
      const heights = this.#naming.get(local);
      if (heights) heights.length = 0; // those below are settled, and the others will be
    }
    this.#settled = this.#stack.length;
  }

  /** Drops operands down to a height: those of code that is left. */
  truncate(height: number): void {
    while (this.#stack.length > height) {
      const operand = this.#stack.pop();
      if (operand !== undefined && operand.local >= 0) this.#naming.get(operand.local)?.pop();
    }
    if (this.#settled > height) this.#settled = height;
  }
}
