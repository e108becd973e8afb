/**
 * Bundles src/ into dist/: the command (dist/cli.js), the library
 * (dist/index.js) and the compiler's thread (dist/asc-worker.js), sharing their common code. npm packages stay imports, so
 * that dist/ holds nothing but this project's own code. Another folder than dist/ can be named: what is in it is removed.
 */
import { chmod, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { builderDefine } from "./builder-digest.js";
import { NODE_BUNDLE } from "./node-bundle.js";

const outdir = process.argv[2] ?? "dist";
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: {
    cli: "src/host/cli/main.ts",
    index: "src/host/index.ts",
    "asc-worker": "src/host/build/asc/worker.ts",
  },
  ...NODE_BUNDLE,
  outdir,
  splitting: true,
  chunkNames: "chunks/[hash]",
  define: await builderDefine(),
  sourcemap: true,
  sourcesContent: false,
});
await chmod(path.join(outdir, "cli.js"), 0o755);
