// What is known of a function while its instructions are lowered, one after another.

import type { Bytes } from "../decode/bytes.js";
import type { FunctionType, ValueType, WasmModule } from "../decode/module.js";
import type { Place } from "./lines.js";
import { Operands } from "./operands.js";
import { Statements } from "./statements.js";
import type { Symbols } from "./symbols.js";

/** What functions ask of the module around them. */
export interface ModuleUses {
  /** Function types that indirect calls name. */
  types: Set<FunctionType>;
  /** Tables that may change after the module is instantiated; those that may grow. */
  changed: Set<number>;
  grown: Set<number>;
  /** Segments that an instruction names. */
  data: Set<number>;
  elements: Set<number>;
  /** Functions that are called in place of their caller; whether by way of a table, too. */
  tailCalled: Set<number>;
  tailCallsIndirect: boolean;
  /** The most values that such a call passes on. */
  tailValues: number;
}

export interface LoweringRules {
  /** Whether linear memory holds AssemblyScript's objects, whose length is in a header (memory.ts). */
  objectHeaders: boolean;
  /** Whether C's variables have the names that the module's name section gives them: for a debugger. */
  localNames: boolean;
}

export interface Frame {
  kind: "function" | "block" | "loop" | "if" | "else";
  parameters: ValueType[];
  results: ValueType[];
  /** How many operands are below it. */
  height: number;
  /** By Wasm's rules of typing: whatever follows up to the frame's end is not reached. */
  unreachable: boolean;
  /** Its number in the C labels. */
  label: number;
  /** FunctionState's at its beginning: the same at a branch back to a loop means that nothing in it leaves it. */
  forks: number;
  /** Whether something branches to its end. */
  targeted: boolean;
  /** Whether control comes to its beginning. */
  entered: boolean;
  /** Of an `if`: it is C's, with braces; else it is made of labels. */
  braced: boolean;
  /** Of an `else`: whether the end of what stands before it is reached. */
  otherwiseLive: boolean;
}

export class FunctionState {
  readonly operands: Operands;
  readonly statements = new Statements();
  readonly frames: Frame[] = [];
  /** Whether control comes here, as far as C is concerned. Where it does not, nothing is written. */
  live = true;
  indent = 1;
  place: Place | null = null;
  labels = 0;
  /** Counts the instructions up to here from which control may go to two places, or to one elsewhere. */
  forks = 0;
  /** Whether it calls in its own place. */
  makesTailCalls = false;

  constructor(
    readonly module: WasmModule,
    readonly symbols: Symbols,
    readonly uses: ModuleUses,
    readonly rules: LoweringRules,
    readonly r: Bytes,
    readonly type: FunctionType,
    readonly locals: ValueType[],
    /** As its author called it, where the module says so. */
    readonly name: string | null,
    /** The C names of `locals`. */
    readonly localNames: readonly string[],
  ) {
    this.operands = new Operands(r, this.say, () => this.top);
  }

  get top(): Frame {
    return this.frames[this.frames.length - 1] ?? this.r.fail("it continues past its end");
  }

  readonly say = (text: string): void => {
    if (this.live) this.statements.add(text, this.indent, this.place);
  };

  /** The same, where control need not come: braces and labels. */
  sayAnyway(text: string, indent = this.indent): void {
    this.statements.add(text, indent, this.place);
  }

  localName(index: number): string {
    return this.localNames[index] ?? this.r.fail(`local ${index} has no name`);
  }

  /** An operation: pops its operands, and leaves its result in a variable. */
  operation(
    parameters: readonly ValueType[],
    result: ValueType | null,
    text: (operands: string[]) => string,
  ): void {
    const operands: string[] = [];
    for (let at = parameters.length - 1; at >= 0; at--)
      operands[at] = this.operands.pop(parameters[at] ?? "i32");
    if (result === null) this.say(`${text(operands)};`);
    else this.say(`${this.operands.push(result)} = ${text(operands)};`);
  }

  /** Nothing behind here is reached, up to the end of the frame. */
  unreachable(): void {
    this.operands.truncate(this.top.height);
    this.top.unreachable = true;
    this.live = false;
  }
}

/** Lowers one instruction, from its immediates on. */
export type Handler = (f: FunctionState, r: Bytes) => void;
