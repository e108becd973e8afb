// The compiler's copy whose Binaryen has its module in a file of its own. What it shows: the copy is used, compiles to
// the same bytes, and a Binaryen of another form, or a cache that cannot be written, leaves the package itself in its
// place. Why it matters: what compiles a guest must never depend on what the cache holds. How it would fail: a copy that
// is cut at the wrong place, or taken though it is of another version.
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { ownCompiler } from "../../../../src/host/build/asc/compiler.js";
import { quickCompiler, separate } from "../../../../src/host/build/asc/quick-compiler.js";
import { Cache } from "../../../../src/host/cache/cache.js";
import { KINDS } from "../../../../src/host/cache/kinds.js";

const { folder: own } = ownCompiler();
const require = createRequire(path.join(own, "dist/asc.js"));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-quick-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** In a thread of its own: one has the compiler that it has loaded, and the environment that it began with. */
const compile = async (entry: string, cache: string) => {
  vi.stubEnv("XENLET_CACHE", cache);
  vi.resetModules();
  const { compileGuest } = await import("../../../../src/host/build/asc/compile.js");
  return compileGuest({ entry, cache: false }).finally(() => vi.unstubAllEnvs());
};

describe("a guest", () => {
  test("is compiled by the copy, to the bytes that the package itself makes", async () => {
    const entry = path.join(folder, "guest.ts");
    await writeFile(
      entry,
      "console.log([3, 1, 2].sort().map<string>((x) => x.toString()).join());\n",
    );
    const cache = path.join(folder, "cache");
    const byCopy = await compile(entry, cache);
    const copies = new Cache(cache).folderOf(KINDS.compilers);
    expect(await readdir(copies)).toHaveLength(1);
    // No folder can be made below a file.
    await writeFile(path.join(folder, "file"), "");
    const byPackage = await compile(entry, path.join(folder, "file", "cache"));
    expect(Buffer.from(byCopy.wasm).equals(byPackage.wasm)).toBe(true);
    expect(byCopy.sourceMap).toBe(byPackage.sourceMap);
  });
});

describe("the copy", () => {
  test("has Binaryen's module in a file, and is a fiftieth of its text", async () => {
    const source = await readFile(require.resolve("binaryen"), "utf8");
    const { text, module } = separate(source);
    expect(WebAssembly.validate(module)).toBe(true);
    expect(text.length).toBeLessThan(source.length / 50);
    expect(text).not.toContain("`\\0asm");
  });

  test.each([
    ["no module", "export default 1;"],
    ["one that does not end", "d(`\\0asm"],
    ["one that is no argument", "const text = `\\0asm`;"],
    ["one of two arguments", "d(`\\0asm`, 1)"],
    ["one that is none", "d(`\\0asm\\x01`)"],
  ])("is not made of a text with %s", (_, source) => {
    expect(() => separate(source)).toThrow();
  });

  test("is the package itself where its Binaryen has another form", async () => {
    vi.stubEnv("XENLET_CACHE", path.join(folder, "other"));
    expect(await quickCompiler(folder, "of-another-form")).toBe(folder);
    vi.unstubAllEnvs();
  });
});
