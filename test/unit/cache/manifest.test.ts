/**
 * Manifests. What it shows: a malformed one is refused with its first defect named,
 * and every way a file can differ from its entry is found. Why it matters: what a
 * manifest vouches for is executed. How it would fail: a flipped bit that goes
 * unnoticed, or an entry that reads a file outside the cache.
 */
import { chmod, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkTree, lookAt, takeStock } from "../../../src/host/cache/contents.js";
import { parseManifest, type Manifest } from "../../../src/host/cache/manifest.js";

const SUM = "0".repeat(64);
const valid = (): Manifest => ({
  format: 1,
  name: "xen-4.17",
  suite: "bookworm",
  created: "2026-01-02T03:04:05.678Z",
  packages: [{ name: "xen", version: "4.17", architecture: "amd64", bytes: 1, sha256: SUM }],
  files: [{ path: "boot/xen", bytes: 1, sha256: SUM }],
  links: [{ path: "boot/link", target: "xen" }],
});

describe("malformed", () => {
  test("the valid one, for comparison", () => {
    expect(parseManifest(JSON.stringify(valid()))).toEqual(valid());
  });

  test.each([
    ["not JSON", "{", /not JSON/],
    ["empty", "", /not JSON/],
    ["another type", "[]", /manifest\.json/],
    ["no files", { files: undefined }, /files/],
    ["a later format", { format: 2 }, /format/],
    ["no suite's name", { suite: 12 }, /suite/],
    [
      "a time that is none",
      { files: [{ path: "x", bytes: 1, sha256: SUM, time: "now" }] },
      /files\.0\.time/,
    ],
    ["a package without a version", { packages: [{ name: "xen" }] }, /packages\.0\.version/],
    ["no time", { created: "yesterday" }, /created/],
    ["a path upwards", { files: [{ path: "a/../../x", bytes: 1, sha256: SUM }] }, /files\.0\.path/],
    ["an absolute path", { links: [{ path: "/etc/x", target: "y" }] }, /links\.0\.path/],
    ["a short checksum", { files: [{ path: "x", bytes: 1, sha256: "ab" }] }, /sha256/],
    ["a negative size", { files: [{ path: "x", bytes: -1, sha256: SUM }] }, /bytes/],
  ])("%s", (_, change, expected) => {
    const text =
      typeof change === "string" ? change : JSON.stringify({ ...valid(), ...(change as object) });
    expect(() => parseManifest(text)).toThrow(expected);
  });
});

describe("a tree against its manifest", () => {
  let folder: string;
  let manifest: Manifest;
  const at = (path: string) => join(folder, "tree", path);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "xenlet-test-"));
    await mkdir(at("bin"), { recursive: true });
    await writeFile(at("bin/tool"), "content");
    await chmod(at("bin/tool"), 0o4755);
    await symlink("tool", at("bin/link"));
    manifest = { ...valid(), ...(await takeStock(at(""))) };
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("as it was made: no problem, and nothing runs as its owner", async () => {
    expect(manifest.files.map(({ path, bytes }) => ({ path, bytes }))).toEqual([
      { path: "bin/tool", bytes: 7 },
    ]);
    expect(await checkTree(folder, manifest)).toEqual([]);
    expect((await stat(at("bin/tool"))).mode & 0o7777).toBe(0o755);
  });

  test.each([
    ["content", () => writeFile(at("bin/tool"), "c0ntent")],
    ["size", () => writeFile(at("bin/tool"), "more content")],
    ["missing", () => rm(at("bin/tool"))],
    ["missing", () => rm(at("bin/tool")).then(() => mkdir(at("bin/tool")))],
    ["link", () => rm(at("bin/link")).then(() => symlink("elsewhere", at("bin/link")))],
    ["missing", () => rm(at("bin/link"))],
  ])("%s", async (problem, damage) => {
    await damage();
    expect(await checkTree(folder, manifest)).toMatchObject([{ problem }]);
  });

  test("a look tells sizes, absences and other times, and reads nothing", async () => {
    expect(lookAt(folder, manifest)).toEqual({ problem: null, touched: [] });
    await utimes(at("bin/tool"), 1e9, 1e9);
    expect(lookAt(folder, manifest)).toMatchObject({ touched: [{ path: "bin/tool" }] });
    await writeFile(at("bin/tool"), "more content");
    expect(lookAt(folder, manifest)).toMatchObject({ problem: { problem: "size" } });
    await rm(at("bin/tool"));
    expect(lookAt(folder, manifest)).toMatchObject({ problem: { problem: "missing" } });
  });
});
