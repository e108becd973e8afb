// AssemblyScript's allocators with a word for "out of memory": where theirs give up they have `unreachable()`,
// which a reader takes for a bug of the program's. A memory.grow() of the program's own still returns -1.

import { BuildError } from "../build-error.js";

const ALLOCATORS = ["rt/tlsf", "rt/stub"];
const GIVES_UP = /(memory\.grow\([^;\n]*\) < 0\)) unreachable\(\);/g;
const IMPORT = 'import { out_of_memory } from "xenlet/internal/intrinsics";\n';

/** asc's allocators, by their names among its library files, changed so. They may have been changed already. */
export function reportingAllocators(
  library: Record<string, string>,
): [name: string, text: string][] {
  return ALLOCATORS.map((name) => {
    const text = library[name] ?? "";
    if (text.startsWith(IMPORT)) return [name, text];
    const changed = text.replace(GIVES_UP, "$1 out_of_memory();");
    if (changed === text)
      throw new BuildError(
        `the installed assemblyscript's ${name}.ts is not the one that guests are built with`,
        {
          hint: "install the version that xenlet's package.json names",
        },
      );
    return [name, IMPORT + changed];
  });
}
