/**
 * Filling the cache, with an apt-get that only pretends. What it shows: a set appears
 * whole or not at all, whatever interrupts it, also if another process makes it, and is repaired
 * when damaged. Why it matters: half a QEMU fails in ways that are hard to explain. How it
 * would fail: leftovers after an abort, a download too many, a damaged file used.
 */
import { execa } from "execa";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Cache } from "../../../src/host/cache/cache.js";
import { KINDS } from "../../../src/host/cache/kinds.js";
import { pruneCache, verifyCache } from "../../../src/host/cache/survey.js";
import { provideSet, type SetRecipe } from "../../../src/host/debian/sets.js";
import type { Progress } from "../../../src/host/base/progress.js";

let folder: string;
let cache: Cache;
let sets: string;
let deb: string;
let lines: string[];
const line = (text: string) => void lines.push(text);
const ui: Progress = { start: line, update: line, done: line, fail: line, note: line };

const recipe: SetRecipe = {
  name: "demo",
  title: "Demo",
  suite: "bookworm",
  packages: ["demo"],
  closure: false,
};
const provide = (changes: Partial<SetRecipe> = {}, signal?: AbortSignal) =>
  provideSet({ ...recipe, ...changes }, ui, { cache, ...(signal ? { signal } : {}) });

const entries = (place: string) => readdir(place).catch(() => []);
const downloads = async () =>
  (await readFile(join(folder, "downloads"), "utf8").catch(() => "")).split("\n").length - 1;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "xenlet-test-"));
  cache = new Cache(join(folder, "cache"));
  sets = cache.folderOf(KINDS.packages);
  lines = [];
  const source = join(folder, "source");
  await mkdir(join(source, "DEBIAN"), { recursive: true });
  await mkdir(join(source, "usr/bin"), { recursive: true });
  await mkdir(join(source, "usr/share/doc/demo"), { recursive: true });
  await writeFile(
    join(source, "DEBIAN/control"),
    "Package: demo\nVersion: 1.0-1\nArchitecture: all\nMaintainer: nobody <x@example.test>\nDescription: demo\n",
  );
  await writeFile(join(source, "usr/bin/demo"), "the demo");
  await writeFile(join(source, "usr/share/doc/demo/README"), "words");
  await symlink("/usr/bin/demo", join(source, "usr/bin/absolute"));
  deb = join(folder, "demo_1.0-1_all.deb");
  await execa("dpkg-deb", ["--root-owner-group", "--build", source, deb]);
  await mkdir(join(folder, "bin"));
  const uri = (path: string) => `'http://mirror.test/debian/${path}'`;
  await writeFile(
    join(folder, "bin/apt-get"),
    `#!/bin/sh
case "$*" in
  *update*--print-uris*) echo "${uri("dists/bookworm/InRelease")} x 0 " ;;
  *indextargets*) if [ -z "$FAKE_OFFLINE" ]; then echo bookworm; echo bookworm-updates; fi ;;
  *update*) if [ -n "$FAKE_OFFLINE" ]; then echo "W: Failed to fetch x  Temporary failure resolving 'mirror.test'" >&2; fi ;;
  *--print-uris*) echo "${uri("pool/demo.deb")} demo_1.0-1_all.deb $(stat -c %s ${deb}) SHA256:0" ;;
  *download*) echo download >> ${folder}/downloads; sleep "\${FAKE_DELAY:-0}" 2>&- >&-; cp ${deb} . ;;
esac
`,
  );
  await chmod(join(folder, "bin/apt-get"), 0o755);
  vi.stubEnv("PATH", join(folder, "bin") + delimiter + (process.env["PATH"] ?? ""));
  vi.stubEnv("XENLET_MIRROR", undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("unpacked, with a manifest that names the package exactly; absolute links stay inside", async () => {
  const { tree, manifest } = await provide();
  const sha256 = createHash("sha256")
    .update(await readFile(deb))
    .digest("hex");
  expect(manifest.packages).toMatchObject([{ name: "demo", version: "1.0-1", sha256 }]);
  expect(await readFile(join(tree, "usr/bin/demo"), "utf8")).toBe("the demo");
  expect(await readFile(join(tree, "usr/bin/absolute"), "utf8")).toBe("the demo");
  expect(manifest.links).toEqual([{ path: "usr/bin/absolute", target: "demo" }]);
  expect(await entries(cache.work)).toEqual([]);
});

test("from the cache the second time: no apt at all", async () => {
  const first = await provide();
  await rm(join(folder, "bin/apt-get"));
  lines = [];
  expect(await provide()).toEqual(first);
  expect(lines).toEqual([]);
});

test("one that needs another to be finished: that is made first, under the same lock", async () => {
  const { tree } = await provide({
    finish: async (at) => {
      const { tree: other } = await provide({ name: "other" });
      await writeFile(join(at, "found"), await readFile(join(other, "usr/bin/demo")));
    },
  });
  expect(await readFile(join(tree, "found"), "utf8")).toBe("the demo");
  expect((await entries(sets)).toSorted()).toEqual(["demo", "other"]);
});

test("only what is to be kept is kept", async () => {
  const { tree } = await provide({ keep: (path) => path.startsWith("usr/bin/") });
  expect(await entries(join(tree, "usr"))).toEqual(["bin"]);
});

test("two at the same time: one download, one result", async () => {
  vi.stubEnv("FAKE_DELAY", "0.7");
  const [first, second] = await Promise.all([provide(), provide()]);
  expect(first.tree).toBe(second.tree);
  expect(await downloads()).toBe(1);
  expect(lines).toContain("Demo: waiting for another xenlet process that is filling the cache");
});

test("aborted while downloading: nothing is left, and the next one succeeds", async () => {
  vi.stubEnv("FAKE_DELAY", "20");
  const controller = new AbortController();
  const reason = new Error("interrupted");
  const provided = provide({}, controller.signal);
  await vi.waitUntil(async () => (await downloads()) === 1, { timeout: 10_000 });
  controller.abort(reason);
  await expect(provided).rejects.toBe(reason);
  expect(await entries(cache.work)).toEqual([]);
  expect(await entries(sets)).toEqual([]);
  vi.stubEnv("FAKE_DELAY", "0");
  await provide();
});

test("a last step that fails leaves nothing", async () => {
  const finish = () => Promise.reject(new Error("no"));
  await expect(provide({ finish })).rejects.toThrow("no");
  expect(await entries(cache.work)).toEqual([]);
  expect(await entries(sets)).toEqual([]);
});

test("a package that cannot be unpacked is host trouble", async () => {
  await writeFile(deb, "no package");
  await expect(provide()).rejects.toMatchObject({ name: "UserError", exitCode: 122 });
  expect(await entries(sets)).toEqual([]);
});

test("no network: host trouble with what mends it, and a cached set is still there", async () => {
  await provide();
  vi.stubEnv("FAKE_OFFLINE", "1");
  await provide();
  await rm(cache.folderOf(KINDS.packageLists), { recursive: true });
  await expect(provide({ name: "other" })).rejects.toMatchObject({
    exitCode: 122,
    message: expect.stringContaining("cannot reach the mirror") as unknown,
    hint: expect.stringContaining("XENLET_MIRROR") as unknown,
  });
});

test("a damaged manifest: made again, with a word about it", async () => {
  await provide();
  await writeFile(join(sets, "demo/manifest.json"), "{");
  await provide();
  expect(lines.filter((text) => text.includes("damaged in the cache"))).toHaveLength(1);
  expect(await downloads()).toBe(2);
});

test("verify finds a corrupted file, prune removes that set and keeps the sound one", async () => {
  const { tree } = await provide();
  await provide({ name: "sound" });
  expect(await verifyCache({ cache })).toMatchObject({ ok: true });
  await writeFile(join(tree, "usr/bin/demo"), "the dem0");
  expect(await verifyCache({ cache })).toMatchObject({
    ok: false,
    entries: [
      { name: "demo", problems: [{ path: "tree/usr/bin/demo", problem: "content" }] },
      { name: "sound", problems: [] },
    ],
  });
  const { removed, kept } = await pruneCache({ cache });
  expect(removed).toContainEqual({ kind: "packages", name: "demo" });
  expect(removed).toContainEqual({ kind: "package lists", name: "bookworm" });
  expect(kept).toMatchObject([{ kind: "packages", name: "sound" }]);
  expect(await entries(sets)).toEqual(["sound"]);
});

test("an older recipe's set is made again, with the reason", async () => {
  await provide();
  await provide({ refuse: () => "modules are missing" }).catch(() => undefined);
  expect(lines).toContain("Demo: damaged in the cache (modules are missing); downloading it again");
  expect(await downloads()).toBe(2);
});
