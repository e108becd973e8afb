// Xen's own console in both directions: what is typed reaches the guest, which sleeps until then.
// Why: a PVH dom0 has no console ring; console_io is what it has. Fails if input is lost, or if the guest spins
// for it instead of waiting for VIRQ_CONSOLE.

import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import type { BootOptions } from "../../src/host/boot/boot.js";
import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/typed.ts");
});

test("a typed line is read, and a written one comes out", async () => {
  const result = await boot(image, { on: "dom0", typed: "hello there\r" });
  expectSuccess(result);
  expect(printed(result)).toEqual([
    "typed: hello there",
    "reads that found nothing: no more than waits",
    "CONSOLEIO_write = 0",
  ]);
  expect(await readFile(result.log ?? "", "utf8")).toMatch(/^by console_io$/m);
});

test("with nothing typed, it sleeps until its deadline", async () => {
  const result = await boot(image, { on: "dom0", cmdline: "ms=200" });
  expectSuccess(result);
  expect(printed(result).slice(0, 2)).toEqual([
    "typed: ",
    "reads that found nothing: no more than waits",
  ]);
});

test("the control: without a deadline it waits for ever", async () => {
  const result = await boot(image, { on: "dom0", timeoutMs: 1500 });
  expect(result).toMatchObject({ verdict: "timeout", stage: "runtime" });
});

// What domain 0 says goes by CONSOLEIO_write, which takes 127 bytes at a time: a longer line could be cut in two by one of
// Xen's. No other domain may: its lines come by its console's ring, and so by domain 0; or by the debug port, with Xen's prefix.
describe("a text of 300 characters", () => {
  const recordLines = async (options: Partial<BootOptions>): Promise<string[]> => {
    const file = scratch("long.ts");
    await writeFile(file, `console.log("${"x".repeat(300)}");`);
    const result = await boot(await build(file), options);
    expectSuccess(result);
    expect(printed(result)).toEqual(["x".repeat(300)]);
    const log = await readFile(result.log ?? "", "utf8");
    const nonce = /~x1 (\S+) \d+ log/.exec(log)?.[1] ?? "";
    return log.split("\n").filter((line) => line.includes(`~x1 ${nonce} `));
  };

  test.each(["dom0", "domu"] as const)(
    "comes in bare lines of 126 bytes at most, and so does the verdict, as %s",
    async (on) => {
      const lines = await recordLines({ on });
      expect(lines.filter((line) => line.includes(" log"))).toHaveLength(4);
      expect(lines.at(-1)).toContain("exit:code=0");
      for (const line of lines) expect(line).toMatch(/^~x1 .{1,122}$/);
    },
  );

  test("by a domain's debug port alone, if that is asked for, does not", async () => {
    const lines = await recordLines({ on: "domu", records: "port" });
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^\(d1\) ~x1 /);
  });
});
