// A program may import the guest library's public entries and nothing below them: what is internal can change between two
// versions, and some of it (a jump's page, a vCPU's mailbox) no program can use safely. The refusal has to name the public
// way, or it is a riddle. It would fail by letting a deep import through, or by refusing one of the entries.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { compileGuest } from "../../../../src/host/build/asc/compile.js";
import {
  exportedNames,
  isPublic,
  publicPlaces,
} from "../../../../src/host/build/asc/transform/public-api.js";

describe("what is public", () => {
  test.each([
    "xenlet",
    "xenlet/test",
    "xenlet/toolstack",
    "xenlet/raw/memory",
    "xenlet/raw/abi/sched",
  ])("%s is", (name) => {
    expect(isPublic(name)).toBe(true);
  });

  test.each([
    "xenlet/internal/loop/loop",
    "xenlet/toolstack/builder",
    "assemblyscript-json",
    "xenletx/raw",
  ])("%s is not", (name) => {
    expect(isPublic(name)).toBe(false);
  });

  test("the names that a file exports, as it is written", () => {
    const text = [
      'export { one, two as deux } from "./x";',
      "export {\n  three,\n  four,\n} from './y';",
      "@inline export function five(): void {}",
      '@external("xen", "six")\nexport declare function six(): void;',
      "export abstract class Seven {}",
      "export const enum Eight {}",
      "const nine = 9; // export const ten = 10",
    ].join("\n");
    expect(exportedNames(text)).toEqual(
      expect.arrayContaining(["one", "deux", "three", "four", "five", "six", "Seven", "Eight"]),
    );
    expect(exportedNames(text)).not.toContain("nine");
    expect(exportedNames(text)).not.toContain("ten");
  });

  test("the entry that is told is the least raw one", () => {
    const texts: Record<string, string> = {
      "xenlet/index": "export { a } from './internal/a';",
      "xenlet/grant": "export { b } from './internal/b';",
      "xenlet/raw/x": "export { a, b, c } from '../internal/a';",
      "xenlet/internal/a": "export function d(): void {}",
      "xenlet/toolstack/index": "export { e } from './e';",
    };
    const places = publicPlaces(Object.keys(texts), (name) => texts[name] ?? "");
    expect(Object.fromEntries(places)).toEqual({
      a: "xenlet",
      b: "xenlet/grant",
      c: "xenlet/raw/x",
      e: "xenlet/toolstack",
    });
  });
});

describe("a program with imports", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "xenlet-public-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const compile = async (text: string): Promise<unknown> => {
    const entry = join(folder, "main.ts");
    await writeFile(entry, text);
    return compileGuest({ entry, cache: false });
  };

  test("is refused what is internal, with the public way, at its own line", async () => {
    const refused = compile(
      '// a comment\nimport { waitForEvents } from "xenlet/internal/loop/loop";\nwaitForEvents();\n',
    );
    await expect(refused).rejects.toThrow(
      '"xenlet/internal/loop/loop" is internal to xenlet: import { waitForEvents } from "xenlet"',
    );
    await expect(refused).rejects.toThrow("main.ts(2,");
  });

  test("is told where nothing public has that name", async () => {
    await expect(
      compile('export { vcpu_order } from "xenlet/internal/intrinsics";\n'),
    ).rejects.toThrow("vcpu_order has no public export");
  });

  test("gets what is public, raw or not", { timeout: 120_000 }, async () => {
    await expect(
      compile(
        'import { waitForEvents } from "xenlet";\nimport { load32 } from "xenlet/raw/memory";\nwaitForEvents(load32(0));\n',
      ),
    ).resolves.toBeDefined();
  });
});
