/**
 * What is used of "assemblyscript", the compiler's own syntax tree. Its declarations would also declare
 * AssemblyScript's globals everywhere, as those of "assemblyscript/asc" (tsconfig.json points here instead).
 */

export interface Source {
  /** Relative to asc's --baseDir, with its suffix: `self.ts`, `../lib/x.ts`; a library's begins with `~lib/`. */
  normalizedPath: string;
  text: string;
  statements: Node[];
  /** 1 is the first line. */
  lineAt(position: number): number;
  /** In the line that lineAt() was asked for last; 1 is the first column. */
  columnAt(): number;
  /** Binaryen's number for it, once something of it has been compiled. */
  debugInfoIndex: number;
}

export interface Range {
  /** Offsets in `source.text`, the end not included. */
  start: number;
  end: number;
  source: Source;
}

export interface Node {
  kind: number;
  range: Range;
}

/** asc's numbers for what a node is. */
export const NodeKind: {
  readonly Identifier: number;
  readonly Call: number;
  readonly Literal: number;
  readonly Parenthesized: number;
  readonly PropertyAccess: number;
  readonly Expression: number;
  readonly Import: number;
  readonly Binary: number;
  readonly Variable: number;
  readonly ClassDeclaration: number;
  readonly Export: number;
};
/** A literal's kind; asc exports it as a plain object. */
export const LiteralKind: {
  readonly String: number;
  readonly Integer: number;
  readonly Object: number;
};
export const Token: { readonly Plus: number };
export const DiagnosticCode: { readonly User_defined_0: number };

export interface Parser {
  sources: Source[];
  /** Counts as a parse error, told with the range's source line. */
  error(code: number, range: Range, argument: string): void;
}

export const Node: {
  createStringLiteralExpression(value: string, range: Range): Node;
  createIntegerLiteralExpression(value: unknown, range: Range): Node;
};

export interface Program {
  sources: Source[];
  /** `startFunction`: what its top level is compiled to. */
  filesByName: Map<string, { startFunction: unknown }>;
}

export function newOptions(): unknown;
export function newProgram(options: unknown): Program;
/** Parses one file into the program's sources. */
export function parse(program: Program, text: string, path: string, isEntry: boolean): void;

declare global {
  /** A 64-bit integer as asc keeps it; defined when "assemblyscript" is loaded. */
  function i64_new(low: number, high: number): unknown;
}
