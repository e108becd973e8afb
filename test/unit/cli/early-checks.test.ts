/**
 * What can be known to be wrong before any work is reported at once. What it shows: a wrong version of Xen, module, command
 * line, filter, reporter or output ends each command in one sentence, with nothing built, downloaded or booted. Why it
 * matters: a user who waits a minute for "no such file" stops trusting the tool. How it would fail: a check that stands
 * behind the build; a place where no folder can be made, where Node's own mkdir never returns.
 */
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProgram } from "../../../src/host/cli/program.js";
import type { Context } from "../../../src/host/cli/context.js";
import { bundleCommand, type Command } from "./command.js";

let command: Command;
/** In PATH: node, and a gcc and an ld that say so if they are called. */
let bin: string;

beforeAll(async () => {
  command = await bundleCommand();
  bin = path.join(command.folder, "bin");
  await mkdir(bin);
  await symlink(process.execPath, path.join(bin, "node"));
  for (const tool of ["gcc", "ld", "as"]) {
    await writeFile(path.join(bin, tool), "#!/bin/sh\necho worked >&2\nexit 1\n");
    await chmod(path.join(bin, tool), 0o755);
  }
  await writeFile(path.join(command.folder, "guest.ts"), 'console.log("hello");\n');
  await mkdir(path.join(command.folder, "empty"));
});
afterAll(() => command.dispose());

const WORK = /building|worked|downloading|unpacking|running/;

test.each([
  [
    "run guest.ts --xen 4.18",
    123,
    /unknown Xen version 4\.18: .*\n {2}try: --xen \.\/xen-4\.18\.gz/,
  ],
  ["run guest.ts --xen ./nowhere", 123, /nowhere not found/],
  ["run guest.ts --xen empty", 123, /empty contains no Xen: expected one of xen\/xen\.gz/],
  ["run guest.ts --module nope", 123, /cannot read nope/],
  ["run guest.ts --cmdline ä", 123, /printable ASCII/],
  ["run guest.ts --vcpus 100", 123, /vCPUs is 100/],
  ["run guest.ts --on dom0 --on-soft-reset destroy", 123, /does not soft-reset its dom0/],
  ["run guest.ts --log /proc/x", 122, /cannot write the log to \/proc\/x/],
  ["run guest.ts --core /proc/x", 122, /cannot write the core to \/proc\/x/],
  [
    "run guest.ts --core /dev/null",
    122,
    /cannot write the core to \/dev\/null: it is not a regular file/,
  ],
  ["run guest.ts --core c --on xl", 123, /a core cannot be written on xl: .*\n {2}try: --on domu/],
  ["run guest.ts --core c --on xl-hvm", 123, /a core cannot be written on xl-hvm/],
  ["run nope.ts", 123, /cannot read nope\.ts/],
  ["build guest.ts --cmdline ä", 123, /printable ASCII/],
  ["build guest.ts -o /proc/x", 122, /\/proc\/x/],
  ["test guest.ts --xen 4.18", 123, /unknown Xen version 4\.18/],
  ["test guest.ts --cmdline ä", 123, /printable ASCII/],
  ["test guest.ts --reporter foo", 123, /unknown reporter "foo"/],
  ["test guest.ts --output-file junit=/proc/x", 122, /cannot write the results to \/proc\/x/],
  ["test missing", 123, /cannot read missing/],
  ["conform --xen 4.18", 123, /unknown Xen version 4\.18/],
  ["conform --filter nope", 123, /no check's name matches "nope"/],
  ["conform --suite nope", 123, /unknown suite "nope"/],
  ["conform --output-file json=/proc/x", 122, /cannot write the results/],
  ["report merge nope.json", 123, /cannot read nope\.json/],
  ["init /proc/x", 122, /cannot write to \/proc\/x/],
])("xenlet %s", async (line, code, message) => {
  const { exitCode, stdout, stderr } = await command.run(line.split(" "), { env: { PATH: bin } });
  expect({ exitCode, stdout, stderr }).toMatchObject({
    exitCode: code,
    stdout: "",
    stderr: expect.stringMatching(message) as string,
  });
  expect(stderr).not.toMatch(WORK);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test("the control: with nothing wrong there is work", async () => {
  const { stderr } = await command.run(["build", "guest.ts"], { env: { PATH: bin } });
  expect(stderr).toMatch(WORK);
}, 180_000);

const NO_TMPDIR =
  /^xenlet: cannot create a temporary folder: \/nowhere does not exist\n {2}try: TMPDIR=/;

test.each([
  ["build guest.ts", { XENLET_CACHE: "/proc/x" }, 122, /cannot write to the cache \/proc\/x/],
  ["run guest.ts", { XENLET_CACHE: "/proc/x" }, 122, /cannot write to the cache \/proc\/x/],
  ["test guest.ts", { XENLET_CACHE: "/proc/x" }, 122, /cannot write to the cache \/proc\/x/],
  ["build guest.ts", { TMPDIR: "/nowhere" }, 122, NO_TMPDIR],
  ["run guest.ts", { TMPDIR: "/nowhere" }, 122, NO_TMPDIR],
  ["test guest.ts", { TMPDIR: "/nowhere" }, 122, NO_TMPDIR],
  [
    "run guest.ts",
    { XENLET_QEMU: "/bin/true" },
    122,
    /XENLET_QEMU is \/bin\/true: it is not QEMU: /,
  ],
  ["run guest.ts", { XENLET_QEMU: "/nowhere" }, 122, /XENLET_QEMU is \/nowhere: it does not exist/],
])("xenlet %s with %j", async (line, env, code, message) => {
  const { exitCode, stderr } = await command.run(line.split(" "), { env: { PATH: bin, ...env } });
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: code,
    stderr: expect.stringMatching(message) as string,
  });
  expect(stderr).not.toMatch(WORK);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test("without gcc: which package has it, before anything is compiled", async () => {
  const nothing = path.join(command.folder, "empty");
  await symlink(process.execPath, path.join(nothing, "node"));
  const { exitCode, stderr } = await command.run(["build", "guest.ts"], { env: { PATH: nothing } });
  expect(stderr).toMatch(/gcc not found.*\n {2}try: sudo apt-get install gcc/);
  expect(exitCode).toBe(122);
});

test("conform --list takes neither QEMU nor a compiler, and no network", async () => {
  const env = { PATH: bin, XENLET_QEMU: "/nowhere", XENLET_MIRROR: "http://127.0.0.1:9/debian" };
  const { exitCode, stdout, stderr } = await command.run(["conform", "--list"], { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n").length).toBeGreaterThan(100);
  // As it was read before.
  expect((await command.run(["conform", "--list"], { env })).stdout).toBe(stdout);
});

test("each command's help bisects with that command", async () => {
  const { stdout } = await command.run(["test", "--help"]);
  expect(stdout).toContain("git bisect run sh -c 'xenlet test FOLDER; case $? in");
  expect((await command.run(["run", "--help"])).stdout).toContain("sh -c 'xenlet run FILE.ts; ");
});

test("help is not broken by hand where a terminal's width breaks it again", async () => {
  const program = await createProgram([], {} as Context);
  const all = program.commands.flatMap((one) => [one, ...one.commands]);
  for (const one of all) {
    // A line that ends is a sentence that ends.
    for (const line of one.description().split("\n").slice(0, -1))
      expect(line, one.name()).toMatch(/[.:]$|^$/);
    expect(one.helpInformation(), one.name()).not.toContain("preset:");
  }
  expect(all.length).toBeGreaterThan(10);
});
