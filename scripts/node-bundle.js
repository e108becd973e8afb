/**
 * How TypeScript of this repository is bundled for Node; npm packages stay imports.
 *
 * @satisfies {import("esbuild").BuildOptions}
 */
export const NODE_BUNDLE = /** @type {const} */ ({
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  tsconfigRaw: {}, // tsconfig.json's paths are for types alone
  logLevel: "warning",
});
