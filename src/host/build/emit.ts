// What each stage of a build made, left to be read.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { run } from "./link/tool.js";

/**
 * wasm: what asc wrote, with its names; c: the lowering's C; asm: the image's own instructions, with the lines that
 * they come from; map: the linker's map of the image.
 */
export const EMITTED_STAGES = ["wasm", "c", "asm", "map"] as const;
export type EmittedStage = (typeof EMITTED_STAGES)[number];

/** Those of a build's `folder`, by the names that they get beside `image`. */
export async function emittedStages(
  stages: readonly EmittedStage[],
  folder: string,
  image: string,
  signal?: AbortSignal,
): Promise<Map<string, string | Uint8Array>> {
  const files = new Map<string, string | Uint8Array>();
  const target = (suffix: string): string => image.replace(/(?:\.elf)?$/, suffix);
  const copy = async (name: string, suffix: string): Promise<void> => {
    files.set(target(suffix), await readFile(join(folder, name)));
  };
  for (const stage of new Set(stages)) {
    if (stage === "wasm") await copy("guest.wasm", ".wasm");
    else if (stage === "c") await copy("guest.c", ".c");
    else if (stage === "map") await copy("image.map", ".map");
    else {
      const flags = ["--disassemble", "--line-numbers", "--no-show-raw-insn", "--wide"];
      files.set(target(".s"), await run("objdump", [...flags, "image.elf"], signal, folder));
    }
  }
  return files;
}
