/**
 * The cache. What it shows: an entry is there whole or not at all, also if another process makes it, and whatever interrupts it;
 * what was damaged is not used; what a killed process left goes; the list accounts for every byte, and emptying leaves
 * none. Why it matters: half a file in a cache fails every later run, in ways that are hard to explain. How it would
 * fail: two makers where one would do, a truncated file that is used, leftovers, a byte that no line of the list has.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { packageRoot } from "../../../src/host/base/package-root.js";
import { Cache, type Entry, type ProvideOptions } from "../../../src/host/cache/cache.js";
import { ALL_KINDS, KINDS, type Kind } from "../../../src/host/cache/kinds.js";
import { ownerMark } from "../../../src/host/cache/owner.js";
import { listCache, pruneCache, verifyCache } from "../../../src/host/cache/survey.js";
import { markOfTheDead } from "./dead.js";

let folder: string;
let cache: Cache;
let made: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "xenlet-test-"));
  cache = new Cache(join(folder, "cache"));
  made = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const KIND: Kind = KINDS.toolstack;
const CONTENT = "all of it";

function provide(options: ProvideOptions = {}, name = "one", kind = KIND): Promise<Entry> {
  return cache.provide(
    kind,
    name,
    async ({ tree }) => {
      made += 1;
      await mkdir(join(tree, "bin"));
      await writeFile(join(tree, "bin/tool"), CONTENT);
      await symlink("tool", join(tree, "bin/link"));
      return undefined;
    },
    options,
  );
}
const read = ({ tree }: Entry) => readFile(join(tree, "bin/tool"), "utf8");
const below = async (path: string) =>
  (await readdir(path, { recursive: true }).catch(() => [])).sort();

test("made once, found from then on, under a path that stays", async () => {
  const first = await provide();
  expect(await read(first)).toBe(CONTENT);
  expect(await read(await provide())).toBe(CONTENT);
  expect((await provide()).tree).toBe(first.tree);
  expect(made).toBe(1);
  expect(await below(cache.work)).toEqual([]);
  expect(await below(cache.locks)).toEqual([]);
});

test("whoever comes while it is made waits, is told so once, and finds it", async () => {
  let waits = 0;
  const slowly = cache.provide(KIND, "one", async ({ tree }) => {
    made += 1;
    await mkdir(join(tree, "bin"));
    await expect.poll(() => waits, { timeout: 20_000 }).toBe(2); // however long a busy machine takes to start them
    await writeFile(join(tree, "bin/tool"), CONTENT);
    return undefined;
  });
  await expect.poll(() => made).toBe(1);
  const others = [1, 2].map(() => provide({ onWait: () => (waits += 1) }));
  for (const entry of await Promise.all([slowly, ...others]))
    expect(await read(entry)).toBe(CONTENT);
  expect(made).toBe(1);
  expect(waits).toBe(2);
  expect(await below(cache.locks)).toEqual([]);
});

test("what fails or is interrupted leaves nothing, and the next one succeeds", async () => {
  await expect(
    cache.provide(KIND, "one", async ({ tree }) => {
      await writeFile(join(tree, "half"), "h");
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  const controller = new AbortController();
  const reason = new Error("interrupted");
  await expect(
    cache.provide(
      KIND,
      "one",
      () => {
        controller.abort(reason);
        return Promise.resolve(undefined);
      },
      { signal: controller.signal },
    ),
  ).rejects.toBe(reason);
  expect(await below(cache.folderOf(KIND))).toEqual([]);
  expect(await below(cache.work)).toEqual([]);
  await provide();
});

describe("damaged", () => {
  const damages: [string, (entry: Entry) => Promise<unknown>][] = [
    ["truncated", ({ tree }) => truncate(join(tree, "bin/tool"), 3)],
    ["longer", ({ tree }) => appendFile(join(tree, "bin/tool"), "!")],
    ["changed, with the same size", ({ tree }) => writeFile(join(tree, "bin/tool"), "all of 1t")],
    ["a file missing", ({ tree }) => rm(join(tree, "bin/tool"))],
    ["a folder in a file's place", ({ tree }) => replaceByFolder(join(tree, "bin/tool"))],
    ["a link missing", ({ tree }) => rm(join(tree, "bin/link"))],
    ["another link", ({ tree }) => replaceLink(join(tree, "bin/link"))],
    ["no manifest", ({ folder: place }) => rm(join(place, "manifest.json"))],
    ["half a manifest", ({ folder: place }) => truncate(join(place, "manifest.json"), 100)],
  ];
  const replaceByFolder = async (path: string) => {
    await rm(path);
    await mkdir(path);
  };
  const replaceLink = async (path: string) => {
    await rm(path);
    await symlink("elsewhere", path);
  };

  test.each(damages)("%s: seen on the next use, said, and made again", async (_, damage) => {
    await damage(await provide());
    let said = "";
    const entry = await provide({ onDamage: (text) => (said = text) });
    expect(said).not.toBe("");
    expect(await read(entry)).toBe(CONTENT);
    expect(made).toBe(2);
  });

  test("a wrong byte under the old size and time is left to verify, which finds it", async () => {
    const { tree } = await provide();
    const file = join(tree, "bin/tool");
    await utimes(file, 1e9, 1e9);
    await provide(); // notes the time
    await writeFile(file, "all of 1t");
    await utimes(file, 1e9, 1e9);
    await provide();
    expect(made).toBe(1);
    const { ok, entries } = await verifyCache({ cache });
    expect(ok).toBe(false);
    expect(entries).toMatchObject([{ problems: [{ path: "tree/bin/tool", problem: "content" }] }]);
    expect((await pruneCache({ cache })).removed).toContainEqual({ kind: KIND.name, name: "one" });
  });

  test("what was copied is read once, found sound, and not made again", async () => {
    const { folder: place, tree } = await provide();
    const file = join(tree, "bin/tool");
    await copyFile(file, join(folder, "copy"));
    await rename(join(folder, "copy"), file);
    await utimes(file, new Date(2e12), new Date(2e12));
    await provide();
    expect(made).toBe(1);
    const { files } = JSON.parse(await readFile(join(place, "manifest.json"), "utf8")) as {
      files: { time: number }[];
    };
    expect(files[0]?.time).toBe(2e12);
  });

  test("what an older version unpacked has no times: it is read once, and used", async () => {
    const { folder: place } = await provide();
    const path = join(place, "manifest.json");
    await writeFile(path, (await readFile(path, "utf8")).replace(/,"time":[\d.]+/, ""));
    await provide();
    expect(made).toBe(1);
    expect(await readFile(path, "utf8")).toMatch(/"time":/);
  });
});

describe("left by a killed process", () => {
  test("what it was making goes with the next thing that is made; what lives stays", async () => {
    await mkdir(join(cache.work, `toolstack-images-one${await markOfTheDead()}abcdef`, "entry"), {
      recursive: true,
    });
    const living = `toolstack-images-two${ownerMark()}abcdef`;
    await mkdir(join(cache.work, living));
    await provide();
    expect(await below(cache.work)).toEqual([living]);
    const { kept } = await pruneCache({ cache, all: true });
    expect(kept).toMatchObject([{ kind: "unfinished", name: living }]);
  });

  test("its lock is free, and a process that is killed in the middle leaves no half entry", async () => {
    const script = `
      import { Cache } from "../../../src/host/cache/cache.js";
      import { KINDS } from "../../../src/host/cache/kinds.js";
      import { writeFileSync } from "node:fs";
      await new Cache(process.argv[2]).provide(KINDS.toolstack, "one", async ({ tree }) => {
        writeFileSync(tree + "/half", "h");
        console.log("making");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });`;
    // Where the package's own files are found from.
    const file = join(packageRoot, "node_modules/.cache", `${randomUUID()}.mjs`);
    await build({
      stdin: { contents: script, resolveDir: import.meta.dirname, loader: "ts" },
      outfile: file,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
    });
    const maker = spawn(process.execPath, [file, cache.root], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(maker.stdout, "data");
    maker.kill("SIGKILL");
    await once(maker, "close");
    await rm(file);
    await provide();
    expect(await below(cache.folderOf(KIND))).not.toContain("one/tree/half");
    expect(await below(cache.work)).toEqual([]);
  });
});

describe("limited", () => {
  test("what was used least recently goes, and what was used within the hour does not", async () => {
    const kind: Kind = { ...KINDS.toolstack, limit: { entries: 2 } };
    for (const name of ["old", "older", "new"]) await provide({}, name, kind);
    const ago = (hours: number) => new Date(Date.now() - hours * 3600e3);
    await utimes(join(cache.folderOf(kind), "old"), ago(5), ago(5));
    await utimes(join(cache.folderOf(kind), "older"), ago(9), ago(9));
    await provide({}, "last", kind);
    expect(await readdir(cache.folderOf(kind))).toEqual(["last", "new"]);
    await provide({}, "one more", kind).catch(() => undefined);
    await provide({}, "more", kind);
    expect(await readdir(cache.folderOf(kind))).toEqual(["last", "more", "new"]);
  });

  test("by bytes, too; using an entry saves it", async () => {
    const kind: Kind = { ...KINDS.toolstack, limit: { bytes: 2 * CONTENT.length } };
    for (const name of ["a", "b"]) await provide({}, name, kind);
    const ago = new Date(Date.now() - 5 * 3600e3);
    for (const name of ["a", "b"]) await utimes(join(cache.folderOf(kind), name), ago, ago);
    await provide({}, "a", kind);
    await provide({}, "c", kind);
    expect(await readdir(cache.folderOf(kind))).toEqual(["a", "c"]);
  });

  test("a kind of many entries stays within its limit and a few entries", async () => {
    const kind: Kind = { ...KINDS.toolstack, limit: { bytes: 20 * CONTENT.length } };
    const ago = new Date(Date.now() - 5 * 3600e3);
    for (let at = 0; at < 50; at++) {
      await provide({}, `n${String(at)}`, kind);
      await utimes(join(cache.folderOf(kind), `n${String(at)}`), ago, ago);
      expect((await readdir(cache.folderOf(kind))).length).toBeLessThanOrEqual(32);
    }
  });
});

describe("looked at as a whole", () => {
  const du = async () => Number((await execa("du", ["-sB1", cache.root])).stdout.split("\t")[0]);

  async function fill(): Promise<void> {
    for (const kind of ALL_KINDS)
      if (kind.holds === "entries") await provide({}, "one", kind);
      else await cache.putFile(kind, "one", (path) => writeFile(path, "x".repeat(9000)));
    await mkdir(join(cache.work, `x${await markOfTheDead()}abc`));
    await mkdir(join(cache.root, "stages"));
    await writeFile(join(cache.root, "stages", "lowered-1"), "an older version's");
    await writeFile(join(cache.root, "something"), "nobody knows");
    await writeFile(join(cache.folderOf(KINDS.lowered), "stray"), "nobody knows");
    await writeFile(cache.lock, "");
  }

  test("the list accounts for every byte that du counts", async () => {
    await fill();
    const { bytes, entries } = await listCache(cache);
    expect(bytes).toBe(await du());
    expect(entries.reduce((sum, one) => sum + one.bytes, 0)).toBe(bytes);
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(
      new Set([
        ...ALL_KINDS.map(({ name }) => name),
        ...["unfinished", "older version's", "unknown", "upkeep"],
      ]),
    );
  });

  test("prune keeps what would have to be downloaded again, --all leaves nothing", async () => {
    await fill();
    const before = await du();
    const spared = await pruneCache({ cache });
    expect((await listCache(cache)).entries.map(({ kind, name }) => [kind, name])).toEqual([
      ["packages", "one"],
      ["unknown", "something"],
      ["upkeep", "folders and locks"],
    ]);
    expect(before - (await du())).toBe(spared.bytes);
    await pruneCache({ cache, all: true });
    expect(await below(cache.root)).toEqual([]);
  });

  test("in a folder that was not made for the cache, what is not xenlet's stays", async () => {
    await mkdir(cache.root);
    await writeFile(join(cache.root, "letter"), "dear");
    await provide();
    const { kept } = await pruneCache({ cache, all: true });
    expect(kept).toEqual([{ kind: "unknown", name: "letter", why: "not xenlet's" }]);
    expect(await below(cache.root)).toEqual(["letter"]);
  });

  test("an absent cache is an empty one, and looking does not make it", async () => {
    expect(await listCache(cache)).toEqual({ root: cache.root, bytes: 0, entries: [] });
    expect(await verifyCache({ cache })).toMatchObject({ ok: true });
    expect(await pruneCache({ cache })).toMatchObject({ removed: [], bytes: 0 });
    await expect(stat(cache.root)).rejects.toThrow(/ENOENT/);
  });

  test("backups are told to leave it out", async () => {
    await provide();
    const tag = await readFile(join(cache.root, "CACHEDIR.TAG"), "utf8");
    expect(tag.startsWith("Signature: 8a477f597d28d172789f06886806bc55\n")).toBe(true);
  });
});

test("no two kinds share a name or a folder", () => {
  for (const key of ["name", "folder"] as const)
    expect(new Set(ALL_KINDS.map((kind) => kind[key])).size).toBe(ALL_KINDS.length);
});

test.each(["../up", "a/b", ".hidden", "", "a b"])("%j is no entry's name", async (name) => {
  await expect(provide({}, name)).rejects.toThrow("cannot be the name");
});
