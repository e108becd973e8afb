// Packages from npm that were written for AssemblyScript run unchanged in a guest, with the results that the same
// Wasm has in V8.
// Why: "a plain AssemblyScript program is a guest" is a claim about other people's code. A hash, a big-number and
// a JSON library between them use most of the language: 64-bit arithmetic, operator overloads, classes, maps,
// strings beyond ASCII. Fails if one does not build, or if a single character of its results differs.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

import { prepareWasm } from "../runtime/load.js";
import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

test("a hash, big numbers and JSON: the same in a guest and in V8", async () => {
  const keep = scratch("packages");
  const result = await boot(await build("test/boot/guest/packages.ts", { keep }));
  expectSuccess(result);

  const { xen } = prepareWasm(await readFile(join(keep, "guest.wasm")))();
  const inV8 = xen.records.filter(({ kind }) => kind === "log").map(({ text }) => text);
  expect(printed(result)).toEqual(inV8);

  // And right, not only equal.
  const sha512 = (bytes: Uint8Array | string): string =>
    `sha512 ${createHash("sha512").update(bytes).digest("hex")}`;
  const most = 2n ** 128n - 1n;
  const odd = 12345678901234567n;
  expect(inV8).toEqual([
    sha512("abc"),
    sha512(new Uint8Array(10_000)),
    `u128 ${most / odd} ${most % odd} ${odd * odd}`,
    `u128 ${((2n ** 64n - 1n) << 60n).toString(16)}`,
    'json {"name":"Grüße","list":[1,-2.5,null,true],"inner":{"a":[]}}',
  ]);
});
