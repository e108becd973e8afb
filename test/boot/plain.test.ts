// A plain AssemblyScript program is a guest: console, process, performance and Date are the machine's.
// Why: it is the first thing that anybody tries. Fails if a global is bound to nothing, if the exit code gets
// lost on its way out, or if the clock is wrong in one of the two ways to make a hypercall.

import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";

import { boot, build, expectSuccess, payloads, printed, scratch } from "./setup.js";

async function program(name: string, source: string): Promise<string> {
  const file = scratch(`${name}.ts`);
  await writeFile(file, source);
  return file;
}

test("hello: one line, and code 0", async () => {
  const result = await boot(await build("examples/hello.ts"));
  expectSuccess(result);
  expect(printed(result)).toEqual(["Hello from a Xen guest"]);
  expect(result.stage).toBe("verdict");
});

describe.each(["page", "direct"] as const)("with hypercalls by %s", (hypercall) => {
  test("the globals work, and Date.now() is right to a minute", async () => {
    const entry = await program(
      `globals-${hypercall}`,
      `console.log("grüße 😀 ${"long ".repeat(80)}");
       console.warn("careful");
       const start = performance.now();
       while (performance.now() - start < 5) {}
       console.log("date " + Date.now().toString());
       console.log(process.argv.slice(1).join("|"));
       const r = Math.random();
       assert(r >= 0 && r < 1);
       process.exit(42);`,
    );
    const image = await build(entry, { hypercall });
    const result = await boot(image, { cmdline: "one two=3" });
    expect(result).toMatchObject({ verdict: "exit", guestCode: 42, exitCode: 42 });
    const [greeting, date, words] = printed(result);
    expect(greeting).toBe(`grüße 😀 ${"long ".repeat(80)}`);
    expect(payloads(result, "error")).toEqual(["careful"]);
    expect(Math.abs(Number(date?.split(" ")[1]) - Date.now())).toBeLessThan(60_000);
    expect(words).toBe("one|two=3");
  });
});

test("memory grows across superpages, and every byte is the program's own", async () => {
  const entry = await program(
    "growth",
    `const chunks: Uint32Array[] = [];
     for (let c: u32 = 0; c < 40; c++) {
       const chunk = new Uint32Array(1 << 16);
       for (let i = 0; i < chunk.length; i++) { assert(chunk[i] == 0); chunk[i] = c * 0x10001 + i; }
       chunks.push(chunk);
     }
     for (let c: u32 = 0; c < 40; c++) {
       const chunk = chunks[c];
       for (let i = 0; i < chunk.length; i++) assert(chunk[i] == c * 0x10001 + i);
     }
     console.log((memory.size() >= 160).toString());`,
  );
  const result = await boot(await build(entry));
  expectSuccess(result);
  expect(printed(result)).toEqual(["true"]);
});

test("more memory than the domain has is refused by memory.grow, not by a fault", async () => {
  const entry = await program(
    "limit",
    `const most = memory.size();
     console.log(memory.grow(16384).toString());
     assert(memory.size() == most);
     let n = 0;
     while (memory.grow(16) >= 0) n++;
     console.log((n > 8 && n < 64).toString());`,
  );
  const result = await boot(await build(entry), { memoryMiB: 32 });
  expectSuccess(result);
  expect(printed(result)).toEqual(["-1", "true"]);
});
