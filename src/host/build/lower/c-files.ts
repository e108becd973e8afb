// The lowered C as files: one to be read, and those that gcc compiles.
//
// gcc's time grows faster than its input, and its memory with it. So a large module becomes several files, and a large
// function one of its own, which is optimised less. Which is which depends on the module alone, so an image is the same
// on every machine.

import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { WasmModule } from "./decode/module.js";
import type { Sink } from "./emit/module-text.js";
import { newlines, type Statements } from "./emit/statements.js";

/** Bytes of Wasm code. */
export interface CSizes {
  /** Up to here a module is one file, in which gcc sees all there is. */
  oneFile: number;
  /** Of each file of a larger one. */
  part: number;
  /** Above that a function is large. */
  largeFunction: number;
}
export const C_SIZES: CSizes = { oneFile: 400_000, part: 200_000, largeFunction: 100_000 };

export interface CPart {
  file: string;
  /** It holds large functions. */
  large: boolean;
}

export function isOneFile(module: WasmModule, sizes: CSizes): boolean {
  const functions = module.bodies.map(({ start, end }) => end - start);
  const total = functions.reduce((sum, size) => sum + size, 0);
  return total <= sizes.oneFile && functions.every((size) => size <= sizes.largeFunction);
}

export class CFiles implements Sink {
  readonly parts: CPart[] = [];
  readonly #folder: string;
  readonly #readable: string;
  readonly #prologue: string;
  readonly #sizes: CSizes;
  readonly #oneFile: boolean;
  #texts: string[] = [];
  #bytes = 0;
  #line = 1;

  /** `prologue`: what each file begins with; the first one of several defines what all of them declare. */
  constructor(folder: string, prologue: string, oneFile: boolean, sizes: CSizes) {
    this.#sizes = sizes;
    this.#folder = folder;
    this.#readable = join(folder, "guest.c");
    this.#prologue = prologue;
    this.#oneFile = oneFile;
    writeFileSync(this.#readable, prologue);
    this.#line += newlines(prologue);
  }

  function(statements: Statements, before: string, after: string, wasmBytes: number): void {
    const { plain, lined } = statements.compose(before, after, "guest.c", this.#line);
    const large = wasmBytes > this.#sizes.largeFunction;
    if (large) {
      this.#write([`${lined}\n`], true);
      this.#read(`${plain}\n`);
      return;
    }
    if (!this.#oneFile && this.#bytes > 0 && this.#bytes + wasmBytes > this.#sizes.part)
      this.#flush();
    this.#bytes += wasmBytes;
    this.#texts.push(`${lined}\n`);
    this.#read(`${plain}\n`);
  }

  text(text: string): void {
    this.#texts.push(text);
    this.#read(text);
  }

  #read(plain: string): void {
    appendFileSync(this.#readable, plain);
    this.#line += newlines(plain);
  }

  #write(texts: string[], large: boolean): void {
    const file = `lowered-${this.parts.length}.c`;
    const defines = this.parts.length === 0 ? "#define wasm_DEFINITIONS\n" : "";
    this.parts.push({ file, large });
    writeFileSync(join(this.#folder, file), [defines, this.#prologue, ...texts].join(""));
  }

  #flush(): void {
    this.#write(this.#texts, false);
    this.#texts = [];
    this.#bytes = 0;
  }

  /** Writes what is left. */
  finish(): void {
    this.#flush();
  }
}
