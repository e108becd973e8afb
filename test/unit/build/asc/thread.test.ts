/**
 * asc in a thread. What it shows: whatever a transform does (throw, end the process, wait for ever, bring another
 * compiler), the build is refused with a sentence, or can be ended at once. Why it matters: asc itself answers a crash
 * with process.exit(1), which took the command's clean-up with it. How it would fail: this very process ends, a stack
 * of our own bundle in the message, an abort that waits for asc.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { UserError } from "../../../../src/host/base/errors.js";
import { compileGuest } from "../../../../src/host/build/asc/compile.js";
import { ownCompiler } from "../../../../src/host/build/asc/compiler.js";

/** Inside of the repository: transforms find "assemblyscript" from there. */
const root = path.resolve(import.meta.dirname, "../../../..");
let folder: string;
beforeAll(async () => {
  await mkdir(path.join(root, "node_modules/.cache"), { recursive: true });
  folder = await mkdtemp(path.join(root, "node_modules/.cache/xenlet-thread-"));
  vi.stubEnv("XENLET_CACHE", path.join(folder, "cache"));
  await writeFile(
    path.join(folder, "main.ts"),
    'function f(): void {\n  console.log("x");\n}\nf();\n',
  );
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

const compile = (transforms: string[], signal?: AbortSignal) =>
  compileGuest({
    entry: path.join(folder, "main.ts"),
    transforms,
    cache: false,
    ...(signal === undefined ? {} : { signal }),
  });

async function refusal(
  transforms: string[],
): Promise<{ code: number; message: string; hint?: string }> {
  try {
    await compile(transforms);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { exitCode: code, message, hint } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }) };
  }
  throw new Error("it compiled");
}

describe("a transform that", { timeout: 300_000 }, () => {
  test("breaks the syntax tree, so that asc crashes", async () => {
    const crash = await put(
      "crash.mjs",
      'import { Transform } from "assemblyscript/transform";\n' +
        "export default class extends Transform { afterInitialize(program) {\n" +
        "for (const [, e] of program.elementsByName)\n" +
        'if (e.name === "f" && e.declaration?.body) e.declaration.body.statements = [undefined]; } }\n',
    );
    const { code, message } = await refusal([crash]);
    expect(code).toBe(124);
    expect(message).toMatch(/^asc crashed \(compile\): TypeError: /);
    expect(message).not.toContain("assemblyscript.js");
  });

  test("throws: its own line is told, and no other", async () => {
    const file = await put(
      "throws.mjs",
      'export default class {\n  afterParse() {\n    throw new TypeError("no way");\n  }\n}\n',
    );
    const { code, message } = await refusal([file]);
    expect(code).toBe(124);
    expect(message).toBe(`a transform failed: TypeError: no way\n    at ${file}:3:11`);
  });

  test("throws when nobody waits for it", async () => {
    const file = await put(
      "later.mjs",
      "export default class { afterParse() {\n" +
        'setTimeout(() => { throw new Error("later"); }, 10); return new Promise(() => {}); } }\n',
    );
    expect(await refusal([file])).toMatchObject({
      code: 124,
      message: expect.stringContaining("later") as string,
    });
  });

  test("ends the process", async () => {
    const file = await put(
      "exits.mjs",
      "export default class { afterParse() { process.exit(0); } }",
    );
    expect(await refusal([file])).toMatchObject({
      code: 124,
      message: "a transform ended the compilation by process.exit(0)",
    });
  });

  test("is no JavaScript", async () => {
    const file = await put("syntax.mjs", "this is not {\n");
    expect(await refusal([file])).toMatchObject({
      code: 124,
      message: `cannot load a transform (${file}): Unexpected identifier 'is'`,
    });
  });

  test("is not there", async () => {
    expect(await refusal(["./nowhere.mjs"])).toMatchObject({
      code: 123,
      message: expect.stringContaining("cannot find the transform ./nowhere.mjs") as string,
    });
  });

  test("never returns: the signal ends it", async () => {
    const file = await put("hangs.mjs", "export default class { afterParse() { for (;;); } }");
    const abort = new AbortController();
    const running = compile([file], abort.signal);
    setTimeout(() => {
      abort.abort(new Error("enough"));
    }, 1000);
    await expect(running).rejects.toThrow("enough");
  });

  test("does its work: the next build is none of its business", async () => {
    const file = await put(
      "works.mjs",
      'import { Transform } from "assemblyscript/transform";\n' +
        "export default class extends Transform { afterParse() { globalThis.seen = true; } }\n",
    );
    expect((await compile([file])).wasm.length).toBeGreaterThan(0);
    const looks = await put(
      "looks.mjs",
      "export default class { afterParse() { if (globalThis.seen) throw new Error('seen'); } }\n",
    );
    expect((await compile([looks])).wasm.length).toBeGreaterThan(0);
  });
});

describe("a transform that brings a compiler of its own", { timeout: 300_000 }, () => {
  const { folder: own, version } = ownCompiler();
  const TRANSFORM =
    'import * as assemblyscript from "assemblyscript";\n' +
    "export default class { afterParse(parser) {\n" +
    "if (!(parser instanceof assemblyscript.Parser)) throw new Error('another copy');\n" +
    "} }\n";

  /** A copy of the compiler is as good as the one that it was made from: its files are linked. */
  async function project(name: string, itsVersion: string): Promise<string> {
    const copy = path.join(folder, name, "node_modules/assemblyscript");
    await mkdir(path.join(folder, name, "node_modules"), { recursive: true });
    const { cp, readFile } = await import("node:fs/promises");
    await cp(own, copy, { recursive: true });
    const manifest = path.join(copy, "package.json");
    const text = await readFile(manifest, "utf8");
    await writeFile(
      manifest,
      text.replace(`"version": "${version}"`, `"version": "${itsVersion}"`),
    );
    return put(`${name}/transform.mjs`, TRANSFORM);
  }

  test("of the same version: that one compiles", async () => {
    expect((await compile([await project("same", version)])).wasm.length).toBeGreaterThan(0);
  });

  test("of another version: refused by name, with the command for it", async () => {
    const { code, message, hint } = await refusal([await project("other", "0.27.31")]);
    expect(code).toBe(124);
    expect(message).toMatch(
      /uses assemblyscript 0\.27\.31 \(.*other.*\), but guests are compiled with/,
    );
    expect(hint).toBe(`npm install --save-dev assemblyscript@${version}`);
  });

  test("and another one of the same version: refused as well", async () => {
    const both = [await project("one", version), await project("two", version)];
    expect(await refusal(both)).toMatchObject({ code: 124, hint: "npm dedupe" });
  });
});
