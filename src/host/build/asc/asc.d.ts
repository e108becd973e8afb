/**
 * What is used of "assemblyscript/asc". Its own declarations would also declare
 * AssemblyScript's globals, and so change what `console` and `Array` are
 * everywhere (tsconfig.json points here instead).
 */
import type { Parser, Program } from "assemblyscript";

export const libraryFiles: Record<string, string>;

export interface MemoryStream {
  write(chunk: string | Uint8Array): void;
  toString(): string;
}
export function createMemoryStream(): MemoryStream;

type OrPromise<T> = T | Promise<T>;

export interface ApiOptions {
  stdout?: MemoryStream;
  stderr?: MemoryStream;
  /** Null: there is no such file. */
  readFile?(name: string, baseDir: string): OrPromise<string | null>;
  writeFile?(name: string, contents: string | Uint8Array, baseDir: string): OrPromise<void>;
  listFiles?(name: string, baseDir: string): OrPromise<string[] | null>;
  /** Run before those of --transform. */
  transforms?: {
    afterParse?(parser: Parser): OrPromise<void>;
    afterInitialize?(program: Program): OrPromise<void>;
    afterCompile?(module: { ptr: number }): OrPromise<void>;
  }[];
}

export interface ApiResult {
  error: Error | null;
  stdout: MemoryStream;
  stderr: MemoryStream;
}

/** The compiler as its command line has it; never throws for a compile error. */
export function main(argv: readonly string[], options?: ApiOptions): Promise<ApiResult>;
