import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildImage } from "../../src/host/build/build.js";
import { Cache } from "../../src/host/cache/cache.js";
import { fixedObjects, type HypercallMode } from "../../src/host/build/link/toolchain.js";
import { passed, type Step } from "./step.js";

/**
 * Compiles boot/ and runtime/ afresh (no cache), with the flags that guests get
 * and their warnings as errors, and links a guest from them, whose own module
 * brings in what is compiled for each guest. Counts as one.
 */
export function cStep(name: string, title: string, hypercall: HypercallMode): Step {
  return {
    name,
    title,
    static: true,
    async run(root) {
      const folder = await mkdtemp(path.join(tmpdir(), "xenlet-c-"));
      try {
        await fixedObjects(hypercall, { cache: new Cache(folder) });
        const entry = path.join(root, "examples/hello.ts");
        await buildImage({
          entry,
          output: path.join(folder, "hello.elf"),
          hypercall,
          cache: false,
        });
        return passed();
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
