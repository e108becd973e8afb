// Numbers as a compiler sees them: gcc for C, asc for AssemblyScript.

import { execa } from "execa";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { prepareGuest } from "../runtime/load.js";

/** C expressions, evaluated at compile time for x86-64. One that does not compile is left out. */
export async function evaluateC(
  preamble: string,
  expressions: string[],
  flags: string[],
): Promise<Map<string, bigint>> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-abi-"));
  try {
    const compile = async (chosen: string[]): Promise<{ failed: boolean; stdout: string }> => {
      const file = join(folder, "probe.c");
      const lines = chosen.map(
        (expression, index) => `const unsigned long long value_${String(index)} = (${expression});`,
      );
      await writeFile(file, `${preamble}\n${lines.join("\n")}\n`);
      return execa("gcc", ["-S", "-O0", "-ffreestanding", ...flags, file, "-o", "-"], {
        reject: false,
      });
    };
    let chosen = expressions;
    let result = await compile(chosen);
    if (result.failed) {
      // Find the ones that do not compile, one by one: a wrong name must be told, not hide the others.
      const good: string[] = [];
      for (const expression of expressions)
        if (!(await compile([expression])).failed) good.push(expression);
      chosen = good;
      result = await compile(chosen);
      if (result.failed) throw new Error("the headers themselves do not compile");
    }
    const values = new Map<string, bigint>();
    for (const [, index = "", directive = "", value = ""] of result.stdout.matchAll(
      /^value_(\d+):\n\t\.(quad|zero)\t(-?\d+)/gm,
    ))
      values.set(chosen[Number(index)] ?? "", directive === "zero" ? 0n : BigInt(value));
    return values;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Offsets and sizes of AssemblyScript classes, as asc lays them out: `structure.field` and `structure`. */
export async function evaluateClasses(
  structures: Map<string, { module: string; fields: string[] }>,
): Promise<Map<string, bigint>> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-abi-"));
  try {
    const lines = [...structures].flatMap(([name, { module, fields }]) => [
      `import { ${name} } from "${module}";`,
      `console.log("${name} " + offsetof<${name}>().toString());`,
      ...fields.map(
        (field) => `console.log("${name}.${field} " + offsetof<${name}>("${field}").toString());`,
      ),
    ]);
    const entry = join(folder, "layout.ts");
    await writeFile(entry, lines.join("\n"));
    const { xen } = (await prepareGuest(entry))();
    return new Map(
      xen.records
        .filter(({ kind }) => kind === "log")
        .map(({ text }): [string, bigint] => [
          text.split(" ")[0] ?? "",
          BigInt(text.split(" ")[1] ?? ""),
        ]),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
