// Compilations are taken from the cache exactly when nothing that decides about them has changed.
// Why: a build that is wrong because it is old costs more than all the time that the cache saves. Each test
// changes one thing that asc looks at, and counts how often asc runs. Fails if an input is forgotten (asc does
// not run when it must), or if something that does not matter is taken for one (it runs when it need not).

import { appendFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

import { Cache } from "../../../../src/host/cache/cache.js";
import { KINDS } from "../../../../src/host/cache/kinds.js";
import type * as Thread from "../../../../src/host/build/asc/thread.js";
import type * as Compile from "../../../../src/host/build/asc/compile.js";

const runs = { count: 0 };
let compileGuest: typeof Compile.compileGuest;
// Files share their modules: this one's are its own.
beforeAll(async () => {
  vi.resetModules();
  vi.doMock("../../../../src/host/build/asc/thread.js", async (original) => {
    const { compileInThread } = await original<typeof Thread>();
    const counted: typeof compileInThread = (...args) => {
      runs.count++;
      return compileInThread(...args);
    };
    return { compileInThread: counted };
  });
  ({ compileGuest } = await import("../../../../src/host/build/asc/compile.js"));
});
afterAll(() => {
  vi.doUnmock("../../../../src/host/build/asc/thread.js");
  vi.resetModules();
});

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "xenlet-compile-"));
  vi.stubEnv("XENLET_CACHE", join(folder, "cache"));
  await mkdir(join(folder, "src"));
  await put(
    "main.ts",
    'import { answer } from "./lib"; export function f(): i32 { return answer; }',
  );
  await put("lib/index.ts", "export const answer: i32 = 41;");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, text: string): Promise<void> {
  const path = join(folder, "src", name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
}

/** Compiles; how often asc ran for it, and what f() returns in the module. */
async function compile(
  options: Partial<Compile.CompileOptions> = {},
): Promise<{ ran: number; f: number }> {
  const before = runs.count;
  const { wasm } = await compileGuest({ entry: join(folder, "src", "main.ts"), ...options });
  const module = new WebAssembly.Module(Buffer.from(wasm));
  const imports: Record<string, Record<string, () => number>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module))
    (imports[from] ??= {})[name] = () => 0;
  const { f } = new WebAssembly.Instance(module, imports).exports as { f: () => number };
  return { ran: runs.count - before, f: f() };
}

test("the same sources are compiled once, and give the same module, map and test sites", async () => {
  const entry = join(folder, "src", "main.ts");
  const [first, second] = [await compileGuest({ entry }), await compileGuest({ entry })];
  expect(Buffer.compare(second.wasm, first.wasm)).toBe(0);
  expect(second.sourceMap === first.sourceMap).toBe(true);
  expect(second.tests).toEqual(first.tests);
  expect(await compile()).toEqual({ ran: 0, f: 41 });
});

test("what changes is compiled anew, and back again is not", async () => {
  expect(await compile()).toEqual({ ran: 1, f: 41 });
  await put("lib/index.ts", "export const answer: i32 = 42;");
  expect(await compile()).toEqual({ ran: 1, f: 42 });
  await put("lib/index.ts", "export const answer: i32 = 41;");
  expect(await compile()).toEqual({ ran: 0, f: 41 });
  await put("main.ts", "export function f(): i32 { return 7; }");
  expect(await compile()).toEqual({ ran: 1, f: 7 });
});

test("a file that appears where an import was looked for first counts", async () => {
  await compile();
  await put("lib.ts", "export const answer: i32 = 43;");
  expect(await compile()).toEqual({ ran: 1, f: 43 });
  await rm(join(folder, "src", "lib.ts"));
  expect(await compile()).toEqual({ ran: 0, f: 41 });
});

test("so does asconfig.json, and every option", async () => {
  await compile();
  await put("asconfig.json", '{ "options": { "optimizeLevel": 1 } }');
  expect((await compile()).ran).toBe(1);
  expect((await compile({ runtime: "stub" })).ran).toBe(1);
  expect((await compile()).ran).toBe(0);
  expect((await compile({ cache: false })).ran).toBe(1);
});

test("what asconfig.json brings in by lib is never taken from the cache, nor left for the next guest", async () => {
  await put("asconfig.json", '{ "options": { "lib": ["more"] } }');
  await put("more/extra.ts", "export const answer: i32 = 5;");
  await put(
    "main.ts",
    'import { answer } from "extra"; export function f(): i32 { return answer; }',
  );
  expect(await compile()).toEqual({ ran: 1, f: 5 });
  await put("more/extra.ts", "export const answer: i32 = 6;");
  expect(await compile()).toEqual({ ran: 1, f: 6 });
  await rm(join(folder, "src", "asconfig.json"));
  await expect(compile()).rejects.toThrow(/extra/);
});

test("a transform's inputs are unknown: always compiled", async () => {
  const transform = join(folder, "nothing.mjs");
  await writeFile(transform, "export default class {}");
  const options = { transforms: [transform] };
  expect((await compile(options)).ran).toBe(1);
  expect((await compile(options)).ran).toBe(1);
});

test("the folder's name does not matter", async () => {
  await compile();
  await rename(join(folder, "src"), join(folder, "elsewhere"));
  const before = runs.count;
  await compileGuest({ entry: join(folder, "elsewhere", "main.ts") });
  expect(runs.count).toBe(before);
});

test("a damaged entry is no entry, and a cache that cannot be written is no error", async () => {
  await compile();
  for (const kind of [KINDS.compiled, KINDS.traces]) {
    const entries = new Cache().folderOf(kind);
    for (const name of await readdir(entries))
      await appendFile(join(entries, name, "tree", "files.gz"), "x");
  }
  expect(await compile()).toEqual({ ran: 1, f: 41 });
  await writeFile(join(folder, "file"), "");
  vi.stubEnv("XENLET_CACHE", join(folder, "file", "cache"));
  expect(await compile()).toEqual({ ran: 1, f: 41 });
});

test("a program with an error has it every time", async () => {
  await put("main.ts", "export function f(): i32 { return nothing; }");
  await expect(compile()).rejects.toThrow(/nothing/);
  await expect(compile()).rejects.toThrow(/nothing/);
});

test("two compilations at once do not mix", async () => {
  await put("other.ts", "export function f(): i32 { return 1; }");
  const [main, other] = await Promise.all(
    ["main.ts", "other.ts"].map((name) => compileGuest({ entry: join(folder, "src", name) })),
  );
  expect(main && other && Buffer.compare(main.wasm, other.wasm)).not.toBe(0);
  expect(await compile()).toEqual({ ran: 0, f: 41 });
});
