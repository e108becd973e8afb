/**
 * A new user's first hour, typed as it is written down: pack, install into an empty folder, and the lines that `init`
 * prints. What it shows: they work as they stand, from a registry, a tarball and a clone, and after one run without any
 * network; and the first run compiles the user's guest and nothing else, whichever gcc there is. Why it matters: a user
 * whose first line fails does not try a second one. How it would fail: a dependency that npm cannot find, a file that
 * the package lacks, a `cd` into a folder of another name, an object that the tarball has under a name that depends on
 * the compiler it was made by.
 *
 * All of it takes minutes, since the package's objects are compiled and everything is installed six times; the shortest
 * way of it is tried with every change (test/boot/install.test.ts).
 */
import { chmod, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OFFLINE, User, dependency, pack, root } from "./user.js";
import "../boot/setup.js"; // Xen and QEMU are unpacked

/** What a clone does not contain; of what is built, dist/ stands in for `make build`. */
const LEFT_OUT = new Set([".git", "node_modules", "prebuilt", "coverage"]);

let user: User;
let clone: string;
let tarball: string;
let gccLog: string;

/** Another gcc, by what it says of itself, that notes what it compiles. */
async function otherGcc(bin: string, log: string): Promise<void> {
  const { stdout: real } = await execa("sh", ["-c", "command -v gcc"]);
  const script = [
    "#!/bin/sh",
    `case "$*" in -v) echo 'gcc version 99.1' >&2; exit;; --version) echo 'gcc 99.1'; exit;; esac`,
    `echo "$*" >>'${log}'`,
    `exec ${real} "$@"`,
  ];
  await mkdir(bin);
  await writeFile(path.join(bin, "gcc"), `${script.join("\n")}\n`);
  await chmod(path.join(bin, "gcc"), 0o755);
}

/** By links where the file system can: npm's packages are many. */
async function copy(from: string, names: string[], target: string): Promise<void> {
  const sources = names.map((name) => path.join(from, name));
  const linked = await execa("cp", ["-al", ...sources, target], { reject: false });
  if (linked.failed) await execa("cp", ["-a", ...sources, target]);
}

beforeAll(async () => {
  user = await User.create();
  gccLog = path.join(user.folder, "gcc.log");
  await otherGcc(user.bin, gccLog);
  clone = path.join(user.folder, "clone");
  await mkdir(path.join(clone, "node_modules"), { recursive: true });
  await copy(
    root,
    (await readdir(root)).filter((name) => !LEFT_OUT.has(name)),
    clone,
  );
  const modules = (await readdir(path.join(root, "node_modules"))).filter(
    (name) => !name.startsWith(".") || name === ".bin",
  );
  await copy(path.join(root, "node_modules"), modules, path.join(clone, "node_modules"));

  // As `prepack` does it, but for the bundles, which are those of the repository.
  const { scripts } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as {
    scripts: { prepack: string };
  };
  expect(scripts.prepack).toMatch(/^npm run build && /);
  const rest = scripts.prepack.replace("npm run build && ", "");
  await execa("sh", ["-ec", rest], { cwd: clone });
  tarball = await pack(clone, user.folder);
  await user.publish(tarball);
});
afterAll(() => user.dispose());

test("from a registry: init, install, test, start, and none of our own code is compiled", async () => {
  const cwd = await user.install("user", "xenlet");
  const steps = await user.init(cwd, "g");
  expect(steps).toEqual(["cd g", "npm install", "npm test", "npm start"]);
  const { stdout } = await user.shell(cwd, steps.join(" && "));
  expect(stripVTControlCharacters(stdout)).toContain(
    "✓ nanoseconds are shown as tenths of milliseconds",
  );
  expect(stdout).toContain("Hello from a Xen guest");

  const compiled = (await readFile(gccLog, "utf8"))
    .split("\n")
    .filter((line) => line.includes(" -c "));
  const ours = compiled.filter((line) => /-c \S*\/xenlet\/(boot|runtime|src)\//.test(line));
  // The control: gcc was asked, for each guest; and module.c is compiled for each module, by what the module imports.
  expect(compiled.filter((line) => /-c \S*\/lowered-0\.c/.test(line))).toHaveLength(2);
  expect(ours.filter((line) => !line.includes("/runtime/wasm/module.c"))).toEqual([]);

  // Once more, without a network.
  const again = await user.init(cwd, "'a second one'");
  expect(again[0]).toBe("cd 'a second one'");
  const offline = await user.shell(cwd, [...again.slice(0, 2), "npm start"].join(" && "), OFFLINE);
  expect(offline.stdout).toContain("Hello from a Xen guest");
});

test("from a tarball, which is named by where it lies; and a sentence where it is gone", async () => {
  const cwd = await user.install("neighbour", tarball);
  const steps = await user.init(cwd, "g");
  expect(await dependency(path.join(cwd, "g"))).toBe(`file:../../${path.basename(tarball)}`);
  const line = [...steps.slice(0, 2), "npm start"].join(" && ");
  const { stdout } = await user.shell(cwd, line, OFFLINE);
  expect(stdout).toContain("Hello from a Xen guest");

  await user.shell(user.folder, `mv '${tarball}' '${tarball}.away'`);
  try {
    const { stderr } = await user.shell(cwd, "npx xenlet init late");
    expect(stderr).toMatch(
      /^xenlet was installed from .*\.tgz, which no longer exists: put it back/m,
    );
  } finally {
    await user.shell(user.folder, `mv '${tarball}.away' '${tarball}'`);
  }
});

test("from a clone", async () => {
  const cwd = await user.install("guest-of-a-clone", clone);
  const steps = await user.init(cwd, "g");
  const line = [...steps.slice(0, 2), "npm start"].join(" && ");
  const { stdout } = await user.shell(cwd, line, OFFLINE);
  expect(stdout).toContain("Hello from a Xen guest");
});

test("what the tarball brings along names no folder of the machine that made it", async () => {
  const cwd = path.join(user.folder, "contents");
  await mkdir(cwd);
  await execa("tar", ["-xzf", tarball, "-C", cwd]);
  const shipped = path.join(cwd, "package/prebuilt");
  const files = (await readdir(shipped, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const named = [];
  for (const file of files) {
    const text = await readFile(path.join(file.parentPath, file.name), "latin1");
    if ([root, user.folder].some((place) => text.includes(place))) named.push(file.name);
  }
  expect(files.filter(({ name }) => name === "image.elf")).toHaveLength(2);
  expect(named).toEqual([]);
});
