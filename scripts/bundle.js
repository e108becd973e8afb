/**
 * Bundles src/ into dist/: the command (dist/cli.js), the library
 * (dist/index.js) and the compiler's thread (dist/asc-worker.js), sharing their common code. npm packages stay imports, so
 * that dist/ holds nothing but this project's own code.
 */
import { chmod, rm } from "node:fs/promises";
import { build } from "esbuild";

await rm("dist", { recursive: true, force: true });
await build({
  entryPoints: {
    cli: "src/host/cli/main.ts",
    index: "src/host/index.ts",
    "asc-worker": "src/host/build/asc/worker.ts",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[hash]",
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  tsconfigRaw: {}, // tsconfig.json's paths are for types alone
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
});
await chmod("dist/cli.js", 0o755);
