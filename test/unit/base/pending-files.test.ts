/**
 * Output files lose nothing. What it shows: until all of a command's outputs are written, an older file is as it was;
 * devices, pipes and links stay what they are; nothing that was not made here is removed. Why it matters: a build that
 * fails on a full disk must not cost the image of yesterday, and as root `-o /dev/full` must not cost the device. How
 * it would fail: a file truncated before there is something to put into it, a clean-up that removes its target.
 */
import { execFileSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolders } from "../../../src/host/base/folders.js";
import {
  PendingFiles,
  checkReplaceable,
  replaceFile,
} from "../../../src/host/base/pending-files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-pending-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (...names: string[]): string => path.join(folder, ...names);

test("several files appear together, each with the mode that it is to have", async () => {
  const pending = new PendingFiles();
  await pending.add(at("new", "image.elf"), "image", 0o755);
  await pending.add(at("new", "image.map"), "map", 0o600);
  await expect(readFile(at("new", "image.elf"))).rejects.toThrow("ENOENT");
  await pending.commit();
  await pending.discard();
  expect((await readdir(at("new"))).sort()).toEqual(["image.elf", "image.map"]);
  expect((await lstat(at("new", "image.map"))).mode & 0o777).toBe(0o600);
});

test("what fails leaves the older file, and nothing of its own: not even the folders", async () => {
  await writeFile(at("image.elf"), "older");
  const pending = new PendingFiles();
  await pending.add(at("image.elf"), "newer");
  await pending.add(at("deep", "er", "map"), "map");
  await expect(pending.add(at("image.elf", "x"), "")).rejects.toThrow("ENOTDIR");
  await pending.discard();
  expect(await readdir(folder)).toEqual(["image.elf"]);
  expect(await readFile(at("image.elf"), "utf8")).toBe("older");
});

test("a folder that somebody else has put something into stays", async () => {
  const pending = new PendingFiles();
  await pending.add(at("deep", "er", "map"), "map");
  await writeFile(at("deep", "theirs"), "");
  await pending.discard();
  expect(await readdir(at("deep"))).toEqual(["theirs"]);
});

test("a file that is replaced keeps its mode, and a link stays one", async () => {
  await writeFile(at("real"), "older", { mode: 0o640 });
  await symlink("real", at("link"));
  await replaceFile(at("link"), "newer");
  expect((await lstat(at("link"))).isSymbolicLink()).toBe(true);
  expect(await readFile(at("real"), "utf8")).toBe("newer");
  expect((await lstat(at("real"))).mode & 0o777).toBe(0o640);
  await symlink("absent", at("dangling"));
  await replaceFile(at("dangling"), "text");
  expect(await readFile(at("absent"), "utf8")).toBe("text");
});

test("a device is written in place: a full one fails, and is still there", async () => {
  await expect(replaceFile("/dev/full", "x")).rejects.toThrow("ENOSPC");
  expect((await lstat("/dev/full")).isCharacterDevice()).toBe(true);
  await replaceFile("/dev/null", "x");
  expect((await lstat("/dev/null")).isCharacterDevice()).toBe(true);
});

test("a pipe is not opened before there is something to write, and never removed", async () => {
  execFileSync("mkfifo", [at("pipe")]);
  await checkReplaceable(at("pipe"));
  const read = readFile(at("pipe"), "utf8");
  await replaceFile(at("pipe"), "through");
  expect(await read).toBe("through");
  expect((await lstat(at("pipe"))).isFIFO()).toBe(true);
});

test("the check says what would fail, and changes nothing", async () => {
  await mkdir(at("folder"));
  await writeFile(at("file"), "older");
  await expect(checkReplaceable(at("folder"))).rejects.toThrow("it is a folder");
  await expect(checkReplaceable(at("file", "x"))).rejects.toThrow("ENOTDIR");
  // Without the name under which it was tried.
  await expect(checkReplaceable("/proc/x/y")).rejects.toThrow(
    /^ENOENT: no such file or directory$/,
  );
  await checkReplaceable(at("file"));
  await checkReplaceable(at("not", "yet"));
  await checkReplaceable("/dev/full");
  expect((await readdir(folder)).sort()).toEqual(["file", "folder"]);
  expect(await readFile(at("file"), "utf8")).toBe("older");
});

test("folders that a file system does not take are an error, and no endless loop", async () => {
  await expect(makeFolders("/proc/x/y")).rejects.toThrow("ENOENT");
  await writeFile(at("file"), "");
  await expect(makeFolders(at("file"))).rejects.toThrow("ENOTDIR");
  expect(await makeFolders(at("a", "b"))).toEqual([at("a"), at("a", "b")]);
  expect(await makeFolders(at("a", "b"))).toEqual([]);
});
