/**
 * Runs a TypeScript program of this repository: node scripts/run-ts.js FILE.ts [arguments].
 *
 * Node 20 does not run TypeScript, so the program is bundled first, into
 * node_modules/.cache; npm packages stay imports.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { builderDefine } from "./builder-digest.js";
import { NODE_BUNDLE } from "./node-bundle.js";

const [program, ...programArguments] = process.argv.slice(2);
if (program === undefined) {
  console.error("usage: node scripts/run-ts.js FILE.ts [arguments]");
  process.exit(2);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const bundle = path.join(root, "node_modules/.cache/run-ts", `${randomUUID()}.mjs`);
await build({
  entryPoints: [program],
  ...NODE_BUNDLE,
  outfile: bundle,
  define: await builderDefine(),
  sourcemap: "inline",
});

process.on("exit", () => {
  rmSync(bundle, { force: true });
});
process.setSourceMapsEnabled(true);
process.argv = [process.execPath, path.resolve(program), ...programArguments];
await import(pathToFileURL(bundle).href);
