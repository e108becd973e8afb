/**
 * An asc transform: leaves out the passes of Binaryen's optimiser after which a line of the source can no longer be
 * told, since a Wasm instruction has one line and no callers. gcc does the same work later, and its debug information
 * has the callers of what it inlines.
 */
import { withName } from "./binaryen-name.js";

/** What is used of "assemblyscript/binaryen", whose declarations leave these out. */
interface Binaryen {
  _BinaryenAddPassToSkip(name: number): void;
  _BinaryenClearPassesToSkip(): void;
}

const SKIPPED = [
  // The caller's line would be lost.
  "inlining",
  "inlining-optimizing",
  // Of code that occurs twice one place is left: of both arms of an `if`, of two functions.
  "code-folding",
  "duplicate-function-elimination",
];

/** A transform for one compilation, and what takes it back: Binaryen has one list for all compilations of a thread. */
export function skipPasses(binaryen: unknown): { afterCompile(): void; restore(): void } {
  const b = binaryen as Binaryen;
  return {
    afterCompile() {
      for (const pass of SKIPPED)
        withName(b, pass, (name) => {
          b._BinaryenAddPassToSkip(name);
        });
    },
    restore() {
      b._BinaryenClearPassesToSkip();
    },
  };
}
