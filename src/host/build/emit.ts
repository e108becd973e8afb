// What each stage of a build made, left to be read.

import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { run } from "./link/toolchain.js";

/**
 * wasm: what asc wrote, with its names; c: the lowering's C; asm: the image's own instructions, with the lines that
 * they come from; map: the linker's map of the image.
 */
export const EMITTED_STAGES = ["wasm", "c", "asm", "map"] as const;
export type EmittedStage = (typeof EMITTED_STAGES)[number];

/** Writes those of a build's `folder` beside `image`, under its name. */
export async function emitStages(
  stages: EmittedStage[],
  folder: string,
  image: string,
  signal?: AbortSignal,
): Promise<void> {
  const target = (suffix: string): string => image.replace(/(?:\.elf)?$/, suffix);
  for (const stage of new Set(stages)) {
    if (stage === "wasm") await copyFile(join(folder, "guest.wasm"), target(".wasm"));
    else if (stage === "c") await copyFile(join(folder, "guest.c"), target(".c"));
    else if (stage === "map") await copyFile(join(folder, "image.map"), target(".map"));
    else {
      const flags = ["--disassemble", "--line-numbers", "--no-show-raw-insn", "--wide"];
      await writeFile(target(".s"), await run("objdump", [...flags, image], signal));
    }
  }
}
