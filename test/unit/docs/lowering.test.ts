// docs/lowering.md's function in all of its stages, as they are.
// Why: the page is how one learns to read what `--emit` leaves; a stage that looks otherwise misleads. Fails if a stage
// is not what the page shows: then `npx vitest run --project unit test/unit/docs -u` writes it again.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import wabt from "wabt";

import { buildImage } from "../../../src/host/build/build.js";

const page = fileURLToPath(new URL("../../../docs/lowering.md", import.meta.url));

/** The lines from the first match on to the second, both included. */
function between(text: string, begin: RegExp, end: RegExp): string[] {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => begin.test(line));
  const length = lines.slice(first + 1).findIndex((line) => end.test(line));
  if (first < 0 || length < 0) throw new Error(`the stage has no ${String(begin)}`);
  return lines.slice(first, first + length + 2);
}

/** Addresses and such, which change with everything else in the image, are left out. */
const constant = (line: string): string =>
  line.replace(/ \(type \d+\)/, "").replace(/(i32\.const |= |\(|, )\d{4,}(u?\b)/g, "$1ADDRESS$2");

async function stages(source: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "xenlet-lowering-"));
  try {
    const entry = join(folder, "sum.ts");
    await writeFile(entry, source);
    const output = join(folder, "sum.elf");
    await buildImage({ entry, output, emit: ["wasm", "c", "asm", "map"] });
    const module = (await wabt()).readWasm(await readFile(join(folder, "sum.wasm")), {
      readDebugNames: true,
    });
    const text = async (suffix: string): Promise<string> => readFile(join(folder, suffix), "utf8");
    const name = "wasm_fn_sum0x2Fsum";
    const assembly = between(await text("sum.s"), new RegExp(`<${name}>:$`), /\tret\s*$/)
      .slice(2)
      .filter((line) => !/^\w+\(\):$/.test(line)) // which function an inlined part belongs to
      .map((line) =>
        line
          .replace(/^(?:[^~]*\/)?(~lib\/.*|[\w.-]+):(\d+).*$/, (_, file: string, number: string) =>
            file.endsWith(".c") ? "; (no line of its own)" : `; ${file}:${number}`,
          )
          .replace(/^\w+:\t/, "    ")
          .replace(/\w+ <wasm_fn_sum0x2Fsum(\+\w+)>/, "sum$1")
          .replace(/\b0x[0-9a-f]{4,}\b/, "ADDRESS"),
      );
    const map = between(await text("sum.map"), new RegExp(`^ \\.text\\.${name}$`), /lowered/);
    return {
      wasm: between(module.toText({}), /\(func \$sum\/sum /, /^ {2}\(func|^ {4}local\.get.*\)$/)
        .map((line) => constant(line.slice(2)))
        .join("\n"),
      c: between(await text("sum.c"), new RegExp(`^static u32 ${name}\\(.*\\{$`), /^\}/)
        .map(constant)
        .join("\n"),
      asm: assembly.join("\n"),
      map: map
        .map((line) => line.replace(/0x[0-9a-f]{16}/, "ADDRESS").replace(/\/\S*\//, ""))
        .join("\n"),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("docs/lowering.md shows the stages as they are", { timeout: 60_000 }, async () => {
  const before = await readFile(page, "utf8");
  const source = /```ts\n([^]*?)```/.exec(before)?.[1] ?? "";
  const found = await stages(source);
  const text = before.replace(
    /(<!-- stage: (\w+) -->\n\n```\w*\n)[^]*?(```)/g,
    (_all, begin: string, name: string, end: string) =>
      `${begin}${found[name] ?? "no such stage"}\n${end}`,
  );
  for (const name of Object.keys(found)) expect(text).toContain(`<!-- stage: ${name} -->`);
  const config = await resolveConfig(page);
  await expect(await format(text, { ...config, filepath: page })).toMatchFileSnapshot(page);
});
