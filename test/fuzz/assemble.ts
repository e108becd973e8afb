// WebAssembly's text format to its binary one: wabt's wat2wasm.

import { createRequire } from "node:module";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { randomUUID } from "node:crypto";

import { EmscriptenTool } from "./emscripten.js";

const wabt = dirname(createRequire(import.meta.url).resolve("wabt"));
let wat2wasm: Promise<EmscriptenTool> | undefined;

/** Throws with wat2wasm's own words for a text that is no valid module. `more`: flags for it. */
export async function assemble(text: string, more: string[] = []): Promise<Uint8Array> {
  wat2wasm ??= EmscriptenTool.load(join(wabt, "bin", "wat2wasm"));
  const [input, output] = ["wat", "wasm"].map((suffix) =>
    join(tmpdir(), `xenlet-assemble-${randomUUID()}.${suffix}`),
  ) as [string, string];
  try {
    await writeFile(input, text);
    const flags = ["--enable-tail-call", "--enable-extended-const", ...more];
    const result = await (await wat2wasm).run([input, "-o", output, ...flags]);
    if (result.status !== 0) throw new Error(result.output);
    return await readFile(output);
  } finally {
    await Promise.all([rm(input, { force: true }), rm(output, { force: true })]);
  }
}
