// Arguments, environment and randomness reach a guest as they were given, and so a kernel that it jumps into; every word of
// Xen's command line is the user's. Why: what a guest does hangs on its words, and one that is taken for somebody else's, cut
// at a space or dropped changes what it does without a message. Fails if a byte is lost, if a word of the command line is
// taken for the harness's, or if two runs are given the same randomness.

import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

/** Prints what it was given, in hexadecimal where it may be anything; with a module, the next kernel does as well. */
const SOURCE = `
import { bootModules, commandLine, kexec } from "xenlet";
function hex(text: string): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  const digits = new Uint8Array(bytes.length * 2);
  for (let i = 0; i < digits.length; i++) {
    const digit = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15;
    digits[i] = digit < 10 ? 0x30 + digit : 0x57 + digit;
  }
  return String.UTF8.decode(digits.buffer);
}
console.log("line " + hex(commandLine()));
for (let i = 0; i < process.argv.length; i++) console.log("argv " + hex(process.argv[i]));
const names = process.env.keys();
for (let i = 0; i < names.length; i++) console.log("env " + names[i] + "=" + hex(process.env.get(names[i])));
const random = new Uint8Array(40);
crypto.getRandomValues(random);
console.log("random " + random.toString());
console.log("number " + Math.random().toString());
if (bootModules().length > 0) {
  const why = kexec.load(bootModules()[0], { cmdline: "seq=99 on=1 quiet=2  nonce=x", arguments: null, modules: [], records: true, quiet: false, moreMemory: [] });
  if (why.length) { console.log(why); process.exit(1); }
  kexec.exec();
}
`;

const hex = (text: string): string => Buffer.from(text).toString("hex");
/** From 1 to 255 each, with what a shell or a line would have cut. */
const ODD = [
  "",
  " ",
  "two  words",
  "nonce=x",
  "seq=7",
  "--",
  "a\nb\tc\\d\"'$",
  "grüße 😀",
  "\x01\x7f",
];

let image: string;

beforeAll(async () => {
  const file = scratch("given.ts");
  await writeFile(file, SOURCE);
  image = await build(file);
});

describe.each(["dom0", "domu"] as const)("as %s", (on) => {
  test("arguments and environment are what was given, apart from the command line", async () => {
    const result = await boot(image, {
      on,
      name: "given.ts",
      arguments: ODD,
      environment: ["A=b=c d", "EMPTY="],
      cmdline: "seq=7 nonce=abc",
    });
    expectSuccess(result);
    expect(printed(result).slice(0, -2)).toEqual([
      `line ${hex("seq=7 nonce=abc")}`,
      ...["given.ts", ...ODD].map((word) => `argv ${hex(word)}`),
      `env A=${hex("b=c d")}`,
      "env EMPTY=",
    ]);
  });
});

test("without arguments they are the words of the command line, whatever those look like; in the next kernel as well", async () => {
  const cmdline = "on=5 verbose  seq=3 quiet=0 nonce=1 env.A=b";
  const result = await boot(image, { on: "domu", name: "x", cmdline, modules: [image] });
  expectSuccess(result);
  const lines = (line: string): string[] => [
    `line ${hex(line)}`,
    ...["x", ...line.split(/ +/)].map((word) => `argv ${hex(word)}`),
  ];
  const random = /^(random|number) /;
  const said = printed(result);
  expect(said.filter((line) => !random.test(line))).toEqual([
    ...lines(cmdline),
    ...lines("seq=99 on=1 quiet=2  nonce=x"),
  ]);
  // Every request and every kernel gets something of its own.
  expect(new Set(said.filter((line) => random.test(line))).size).toBe(4);
});

test("64 KiB of them are taken into the next kernel; another run gets other randomness", async () => {
  const words = ["x".repeat(40_000), "y".repeat(20_000), ...ODD];
  const runs = [];
  for (const modules of [[image], []]) {
    const result = await boot(image, { on: "domu", name: "x", arguments: words, modules });
    expectSuccess(result);
    const argv = ["x", ...words].map((word) => `argv ${hex(word)}`);
    const said = printed(result);
    expect(said.filter((line) => line.startsWith("argv "))).toEqual(
      modules.length > 0 ? [...argv, ...argv] : argv,
    );
    runs.push(said.filter((line) => line.startsWith("random ")));
  }
  expect(new Set(runs.flat()).size).toBe(3);
  await expect(boot(image, { arguments: ["x".repeat(65_536)] })).rejects.toThrow(/65536/);
});
