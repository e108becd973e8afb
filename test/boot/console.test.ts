// Xen's own console in both directions: what is typed reaches the guest, which sleeps until then.
// Why: a PVH dom0 has no console ring; console_io is what it has. Fails if input is lost, or if the guest spins
// for it instead of waiting for VIRQ_CONSOLE.

import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";

import { boot, build, expectSuccess, printed } from "./ground.js";

let image: string;

beforeAll(async () => {
  image = await build("test/guests/typed.ts");
});

test("a typed line is read, and a written one comes out", async () => {
  const result = await boot(image, { input: "hello there\r" });
  expectSuccess(result);
  expect(printed(result)).toEqual([
    "typed: hello there",
    "reads that found nothing: no more than waits",
    "CONSOLEIO_write = 0",
  ]);
  expect(await readFile(result.log ?? "", "utf8")).toMatch(/^by console_io$/m);
});

test("with nothing typed, it sleeps until its deadline", async () => {
  const result = await boot(image, { cmdline: "ms=200" });
  expectSuccess(result);
  expect(printed(result).slice(0, 2)).toEqual([
    "typed: ",
    "reads that found nothing: no more than waits",
  ]);
});

test("the control: without a deadline it waits for ever", async () => {
  const result = await boot(image, { timeoutMs: 3000 });
  expect(result).toMatchObject({ verdict: "timeout", stage: "runtime" });
});
