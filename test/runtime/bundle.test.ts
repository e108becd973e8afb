// The bundle that Xen hands a user's own toolstack as its one module, written by the host and read in the guest: whole,
// and damaged in one way each. Why: the toolstack makes a domain of what it reads there, and a wrong offset reads memory
// beyond its end. Fails if a file comes out other than it went in, or a damaged bundle is taken.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import { writeBundle } from "../../src/host/boot/bundle.js";
import { FakeMachine } from "./fake-machine.js";
import { prepareGuest, type LoadedGuest } from "./load.js";

const MODULE_AT = 30 << 20;
const CONTENTS = [
  Buffer.from("an image, for all that the bundle knows"),
  Buffer.from("the first module\n"),
  Buffer.alloc(5000, 0x5a),
  Buffer.alloc(0),
];

let start: (xen: FakeMachine) => LoadedGuest;
let bundle: Buffer;

beforeAll(async () => {
  const prepared = await prepareGuest("test/runtime/guest/bundle.ts");
  start = (xen) => prepared(xen);
  const folder = await mkdtemp(join(tmpdir(), "xenlet-bundle-"));
  try {
    const files = await Promise.all(
      CONTENTS.map(async (bytes, index) => {
        const file = join(folder, String(index));
        await writeFile(file, bytes);
        return file;
      }),
    );
    await writeBundle(files, join(folder, "bundle"));
    bundle = await readFile(join(folder, "bundle"));
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** What a toolstack says that was handed these modules. */
function said(...modules: Uint8Array[]): string[] {
  const xen = new FakeMachine();
  for (const [index, module] of modules.entries()) xen.addModule(module, MODULE_AT + (index << 19));
  const guest = start(xen);
  xen.records.length = 0;
  try {
    guest.call["list"]?.();
  } catch {
    // An abort: its record says why.
  }
  return xen.records.map(({ text }) => text);
}

function line(bytes: Uint8Array): string {
  const sum = bytes.reduce((before, byte) => (Math.imul(before, 31) + byte) >>> 0, 0);
  return `${bytes.length} bytes ${sum}`;
}

test("comes out as it went in", () => {
  expect(said(bundle)).toEqual(CONTENTS.map(line));
});

describe("what is no bundle is a file as it is", () => {
  test.each([
    ["a file of another kind", CONTENTS[2]],
    ["one shorter than a bundle's beginning", Buffer.from("xenlet\0\x01 short")],
  ])("%s", (_name, file = Buffer.alloc(0)) => {
    expect(said(file)).toEqual([line(file)]);
  });

  test("a bundle with another magic", () => {
    const bytes = Buffer.from(bundle);
    bytes.writeUInt8(2, 7);
    expect(said(bytes)).toEqual([line(bytes)]);
  });
});

test.each<[string, (bytes: Buffer) => Buffer, string]>([
  ["no files", (bytes) => (bytes.writeBigUInt64LE(0n, 8), bytes), "damaged"],
  ["more files than there may be", (bytes) => (bytes.writeBigUInt64LE(10n, 8), bytes), "damaged"],
  ["a count beyond all", (bytes) => (bytes.writeBigUInt64LE(2n ** 63n, 8), bytes), "damaged"],
  ["a header only", (bytes) => bytes.subarray(0, 16), "damaged"],
  ["its first page cut off", (bytes) => bytes.subarray(0, 4095), "damaged"],
  ["its last bytes cut off", (bytes) => bytes.subarray(0, 4 * 4096), "cut off"],
  [
    "an offset beyond its end",
    (bytes) => (bytes.writeBigUInt64LE(2n ** 40n, 32), bytes),
    "cut off",
  ],
  ["a size that wraps", (bytes) => (bytes.writeBigUInt64LE(2n ** 64n - 1n, 40), bytes), "cut off"],
])("with %s is refused", (_name, damage, word) => {
  expect(said(damage(Buffer.from(bundle))).at(-1)).toContain(
    `the toolstack's bundle of files is ${word}`,
  );
});

test("a toolstack that was handed nothing says so", () => {
  expect(said().at(-1)).toContain("was given no image");
});
