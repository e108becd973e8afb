// `xenlet xl-config`: the text that a person gives to xl on their own host. That xl reads it is shown by
// test/boot/xl.test.ts, one of whose domains is made from such a text.
// Why: xl takes a wrong name or an unescaped quote for something else, and says so far from here. Fails if what it
// prints does not have what was asked for, or if what xl could not read is printed nevertheless.

import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { bundleCommand, type Command } from "./command.js";

let xenlet: Command;

beforeAll(async () => {
  xenlet = await bundleCommand();
});
afterAll(() => xenlet.dispose());

/** Settings, without comments. */
function settings(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("prints what was asked for, with a comment before it", async () => {
  const { exitCode, stdout } = await xenlet.run([
    ...["xl-config", xenlet.image, "--name", "mine", "--mem", "1G", "--vcpus", "3"],
    ...["--cmdline", 'say="hello"'],
  ]);
  expect(exitCode).toBe(0);
  expect(settings(stdout)).toEqual([
    'name = "mine"',
    'type = "pvh"',
    `kernel = "${xenlet.image}"`,
    'cmdline = "say=\\"hello\\""',
    "memory = 1024",
    "vcpus = 3",
    'on_poweroff = "destroy"',
    'on_reboot = "destroy"',
    'on_crash = "destroy"',
    'on_watchdog = "destroy"',
    'on_soft_reset = "soft-reset"',
  ]);
  expect(stdout).toMatch(/^# .+\nname = /);
});

test("names the domain after the image", async () => {
  const { stdout } = await xenlet.run(["xl-config", xenlet.image]);
  const name = path.basename(xenlet.image, path.extname(xenlet.image));
  expect(settings(stdout)[0]).toBe(`name = "${name}"`);
});

test("as a domain of type hvm: the image in hvmloader's place, and no key that libxl would pass over", async () => {
  const { exitCode, stdout } = await xenlet.run(["xl-config", xenlet.image, "--type", "hvm"]);
  expect(exitCode).toBe(0);
  expect(settings(stdout)).toEqual(
    expect.arrayContaining(['type = "hvm"', `firmware_override = "${xenlet.image}"`]),
  );
  expect(stdout).not.toMatch(/^(kernel|cmdline|ramdisk) /m);
});

test("whose command line is in the image: xenlet build --cmdline", async () => {
  const image = path.join(tmpdir(), `xenlet-${process.pid}-given.elf`);
  try {
    const built = await xenlet.run([
      "build",
      path.resolve("examples/hello.ts"),
      "-o",
      image,
      "--cmdline",
      "a=b",
    ]);
    expect(built).toMatchObject({ exitCode: 0 });
    // struct run_block, boot/run_block.h: where in it its own command line is.
    const file = await readFile(image);
    const block = file.subarray(file.lastIndexOf("xenlrun\x01", undefined, "latin1"));
    const at = block.readUInt32LE(104);
    expect(block.toString("latin1", at, at + 4)).toBe("a=b\0");
  } finally {
    await rm(image, { force: true });
  }
}, 120_000);

test.each([
  [
    "a command line for a domain of type hvm",
    ["IMAGE", "--type", "hvm", "--cmdline", "a"],
    /must be in the image/,
  ],
  ["a file that Xen could not boot", ["/etc/passwd"], /not an ELF file/],
  ["a name with a slash", ["IMAGE", "--name", "a/b"], /expected 1 to 64 letters/],
  ["a line end in the command line", ["IMAGE", "--cmdline", "a\nb"], /printable ASCII/],
])("refuses %s", async (_, args, message) => {
  const { exitCode, stdout, stderr } = await xenlet.run([
    "xl-config",
    ...args.map((word) => (word === "IMAGE" ? xenlet.image : word)),
  ]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 123, stdout: "" });
  expect(stderr).toMatch(message);
});
