// A guest's stack: as deep as engines go, said where it ends, and larger if the build asks for it.
// Why: a parser or a tree's walk that runs in Node has to run in a guest. Fails if less than the promised MiB can be
// used, if a part of it is not mapped when it is first touched, if the message does not say how large it was, or if
// --stack changes nothing. That a domain of 8 MiB has room for it is part of the first test.

import { writeFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";

import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

/** Each call needs some words for what lives across the next one: 100,000 of them more than 1 MiB, and less than 8. */
const SOURCE = `
  function deep(n: i32, a: u64, b: u64, c: u64, d: u64): u64 {
    if (n == 0) return a;
    const e = a * 3 + d, f = b * 5 + c, g = c * 7 + b, h = d * 9 + a;
    return deep(n - 1, e, f, g, h) + a * e + b * f + c * g + d * h;
  }
  for (let i = 1; i < process.argv.length; i++) {
    deep(i32.parse(process.argv[i]), 1, 2, 3, 4);
    console.log(process.argv[i]);
  }
`;

let file: string;
beforeAll(async () => {
  file = scratch("stack.ts");
  await writeFile(file, SOURCE);
});

test("a MiB can be used, in a domain of 8 MiB, and the message says where it ends", async () => {
  const image = await build(file);
  const result = await boot(image, { on: "domu", memoryMiB: 8, cmdline: "1000 10000 100000" });
  expect(printed(result)).toEqual(["1000", "10000"]);
  expect(result).toMatchObject({ verdict: "crash", trap: { kind: "stack-overflow" } });
  expect(result.message).toMatch(
    /stack-overflow: it needs more than its 1 MiB of stack \(--stack\)/,
  );
});

test("--stack makes it larger, and smaller", async () => {
  const large = await build(file, { stackBytes: 8 * 2 ** 20 });
  const deep = await boot(large, { cmdline: "20000 100000" });
  expectSuccess(deep);
  expect(printed(deep)).toEqual(["20000", "100000"]);
  const small = await boot(await build(file, { stackBytes: 2 ** 16 }), { cmdline: "100 5000" });
  expect(printed(small)).toEqual(["100"]);
  expect(small.message).toContain("its 64 KiB of stack");
});
