/**
 * The toolchain's tools when they do not do what they are there for. What it shows: a tool that never answers is ended
 * and named, one that is missing is named with its package. Why it matters: each build asks gcc first, so a gcc that
 * hangs hung every command without a word. How it would fail: a question that waits for ever.
 */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ask } from "../../../../src/host/build/link/tool.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-tool-"));
  const hangs = path.join(folder, "hangs");
  await writeFile(hangs, "#!/bin/sh\nexec sleep 1000\n");
  await chmod(hangs, 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"] ?? ""}`);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test("it hangs: a sentence, and the tool is ended", async () => {
  await expect(ask("hangs", "--version", 0.5)).rejects.toMatchObject({
    exitCode: 122,
    message: "`hangs --version` did not answer within 0.5 s",
  });
});

test("it is missing: which package has it", async () => {
  await expect(ask("no-such-tool", "--version")).rejects.toMatchObject({
    exitCode: 122,
    message: "no-such-tool not found (needed to build guests)",
  });
});

test("the control: it answers", async () => {
  expect(await ask("gcc", "-print-file-name=include")).toMatch(/^\/.*include\n?$/);
});
