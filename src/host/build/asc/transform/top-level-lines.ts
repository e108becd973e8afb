/**
 * An asc transform: gives the statements at a file's top level their lines, which asc gives to functions only. Its own
 * notes of where each expression comes from are there; it does not hand them on to Binaryen for a file's start function.
 */
import type { Program, Range } from "assemblyscript";
import { withName } from "./binaryen-name.js";

/** What is used of "assemblyscript/binaryen", whose declarations leave these out. */
interface Binaryen {
  _BinaryenGetFunction(module: number, name: number): number;
  _BinaryenFunctionSetDebugLocation(
    one: number,
    expression: number,
    file: number,
    line: number,
    column: number,
  ): void;
}

interface StartFunction {
  internalName: string;
  debugLocations: Map<number, Range>;
}

/** A transform for one compilation. */
export function topLevelLines(binaryen: unknown): {
  afterInitialize(program: Program): void;
  afterCompile(module: { ptr: number }): void;
} {
  const b = binaryen as Binaryen;
  let program: Program | undefined;
  return {
    afterInitialize(initialized) {
      program = initialized;
    },
    afterCompile({ ptr: module }) {
      for (const { startFunction } of program?.filesByName.values() ?? []) {
        const { internalName, debugLocations } = startFunction as StartFunction;
        const one = withName(b, internalName, (name) => b._BinaryenGetFunction(module, name));
        if (one === 0) continue; // nothing at its top level
        for (const [expression, { source, start }] of debugLocations) {
          const { debugInfoIndex: file } = source;
          const line = source.lineAt(start);
          const column = source.columnAt() - 1; // of what lineAt() was asked for last
          b._BinaryenFunctionSetDebugLocation(one, expression, file, line, column);
        }
      }
    },
  };
}
