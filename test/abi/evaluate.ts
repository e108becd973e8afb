// Numbers as a compiler sees them: gcc for C, asc for AssemblyScript.

import { execa } from "execa";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { prepareGuest } from "../runtime/load.js";

const INSIDE = fileURLToPath(new URL("../runtime/guest/", import.meta.url));

/** C expressions, evaluated at compile time for x86-64. One that does not compile is left out. */
export async function evaluateC(
  preamble: string,
  expressions: string[],
  flags: string[],
): Promise<Map<string, bigint>> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-abi-"));
  try {
    const file = join(folder, "probe.c");
    const compile = async (chosen: string[]): Promise<{ failed: boolean; output: string }> => {
      const lines = chosen.map(
        (expression, index) =>
          `#line ${String(index + 1)} "value"\nconst unsigned long long value_${String(index)} = (${expression});`,
      );
      await writeFile(file, `${preamble}\n${lines.join("\n")}\n`);
      const args = ["-S", "-O0", "-ffreestanding", "-fmax-errors=0", ...flags, file, "-o", "-"];
      const { failed, all } = await execa("gcc", args, { reject: false, all: true });
      return { failed, output: all };
    };
    let chosen = expressions;
    let { failed, output } = await compile(chosen);
    if (failed) {
      // gcc says which do not compile: a wrong name must be told, not hide the others.
      const bad = new Set([...output.matchAll(/^value:(\d+):/gm)].map(([, line]) => Number(line)));
      chosen = expressions.filter((_, index) => !bad.has(index + 1));
      ({ failed, output } = await compile(chosen));
      if (failed) throw new Error(`the headers themselves do not compile:\n${output}`);
    }
    const values = new Map<string, bigint>();
    for (const [, index = "", directive = "", value = ""] of output.matchAll(
      /^value_(\d+):\n\t\.(quad|zero)\t(-?\d+)/gm,
    ))
      values.set(chosen[Number(index)] ?? "", directive === "zero" ? 0n : BigInt(value));
    return values;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The lines that a program prints, run under the fake hypervisor. */
export async function linesOf(source: string): Promise<string[]> {
  // Where the tests of what is inside of the library are: only there may it be imported.
  const folder = await mkdtemp(join(INSIDE, "abi-"));
  try {
    const entry = join(folder, "layout.ts");
    await writeFile(entry, source);
    const { xen } = (await prepareGuest(entry))();
    return xen.records.filter(({ kind }) => kind === "log").map(({ text }) => text);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Offsets and sizes of AssemblyScript classes, as asc lays them out: `structure.field` and `structure`. */
export async function evaluateClasses(
  structures: Map<string, { module: string; fields: string[] }>,
): Promise<Map<string, bigint>> {
  const lines = [...structures].flatMap(([name, { module, fields }]) => [
    `import { ${name} } from "${module}";`,
    `console.log("${name} " + offsetof<${name}>().toString());`,
    ...fields.map(
      (field) => `console.log("${name}.${field} " + offsetof<${name}>("${field}").toString());`,
    ),
  ]);
  return new Map(
    (await linesOf(lines.join("\n"))).map((line): [string, bigint] => {
      const [name = "", value = ""] = line.split(" ");
      return [name, BigInt(value)];
    }),
  );
}
