/**
 * Bundles src/ into dist/: the command (dist/cli.js), the library
 * (dist/index.js) and the compiler's thread (dist/asc-worker.js), sharing their common code. npm packages stay imports, so
 * that dist/ holds nothing but this project's own code. Another folder than dist/ can be named: what is in it is removed.
 */
import { chmod, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { builderDefine } from "./builder-digest.js";

const outdir = process.argv[2] ?? "dist";
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: {
    cli: "src/host/cli/main.ts",
    index: "src/host/index.ts",
    "asc-worker": "src/host/build/asc/worker.ts",
  },
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[hash]",
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  define: await builderDefine(),
  tsconfigRaw: {}, // tsconfig.json's paths are for types alone
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
});
await chmod(path.join(outdir, "cli.js"), 0o755);
