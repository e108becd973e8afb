// The example of docs/harness.md, run as it stands there: its guest, its test, in a vitest of its own.
// Why: an example that does not work is worse than none. Fails if the library's exports or results drift from it.

import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

import "./setup.js"; // Xen and QEMU are in the cache from here on

const top = fileURLToPath(new URL("../..", import.meta.url));
let bundle: string;
let folder: string;

beforeAll(async () => {
  bundle = await mkdtemp(join(top, "node_modules", ".xenlet-docs-test-"));
  folder = await mkdtemp(join(tmpdir(), "xenlet-docs-"));
  await build({
    entryPoints: [join(top, "src/host/index.ts")],
    outfile: join(bundle, "index.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
  await symlink(join(top, "node_modules"), join(folder, "node_modules"));
  await writeFile(
    join(folder, "vitest.config.js"),
    `export default { test: { alias: { "xenlet/host": ${JSON.stringify(join(bundle, "index.js"))} } } };`,
  );
  const text = await readFile(join(top, "docs/harness.md"), "utf8");
  for (const [, name = "", code = ""] of text.matchAll(/^```ts (\S+)\n(.*?)^```$/gms))
    await writeFile(join(folder, name), code);
});
afterAll(async () => {
  await rm(bundle, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

function runExample() {
  return execa(
    process.execPath,
    [join(top, "node_modules/vitest/vitest.mjs"), "run", "--root", folder],
    {
      cwd: folder,
      reject: false,
      // This test's own vitest must not be visible to the example's.
      extendEnv: false,
      env: { ...outerEnvironment(), CI: "1", NO_COLOR: "1" },
    },
  );
}

function outerEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|NODE_ENV|TEST$|MODE$|DEV$|PROD$)/.test(name),
    ),
  );
}

test("the example passes", async () => {
  const { exitCode, stdout, stderr } = await runExample();
  expect(stdout + stderr).toMatch(/Tests\s+1 passed/);
  expect(exitCode).toBe(0);
});

test("its control: a guest that prints something else fails it", async () => {
  const guest = join(folder, "guest.ts");
  await writeFile(guest, (await readFile(guest, "utf8")).replace('"rested"', '"tired"'));
  const { exitCode, stdout, stderr } = await runExample();
  expect(stdout + stderr).toContain("tired");
  expect(exitCode).toBe(1);
});
