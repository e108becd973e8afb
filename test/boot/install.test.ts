/**
 * The shortest way of a new user's first hour: the package, packed and installed into an empty folder from a registry,
 * and the lines that `init` prints. What it shows: they work as they stand. Why it matters: a user whose first line
 * fails does not try a second one. How it would fail: a file or a dependency that the package lacks, a `cd` into a folder
 * of another name. The other ways (a tarball, a clone, no network, another gcc) are test/install's.
 */
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { User, dependency, pack, root } from "../install/user.js";
import "./setup.js"; // Xen and QEMU are unpacked

let user: User;
beforeAll(async () => {
  user = await User.create();
  await user.publish(await pack(root, user.folder));
});
afterAll(() => user.dispose());

test("from a registry: init, install, test, start", { timeout: 600_000 }, async () => {
  const cwd = await user.install("user", "xenlet");
  const steps = await user.init(cwd, "g");
  expect(steps).toEqual(["cd g", "npm install", "npm test", "npm start"]);
  expect(await dependency(path.join(cwd, "g"))).toMatch(/^\^\d+\.\d+\.\d+$/);
  const { stdout } = await user.shell(cwd, steps.join(" && "));
  expect(stripVTControlCharacters(stdout)).toContain(
    "✓ nanoseconds are shown as tenths of milliseconds",
  );
  expect(stdout).toContain("Hello from a Xen guest");
});
