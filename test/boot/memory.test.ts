// A guest that runs out of memory says so.
// Why: AssemblyScript's allocators end in `unreachable()` when memory.grow() fails, and a reader would look for a
// bug in the program instead of giving the domain more. Fails if the trap has another name, or if a memory.grow()
// of the program's own, which may well fail, ends the guest.

import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";

import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

/** With AssemblyScript's runtime `name`. */
async function program(name: string, source: string): Promise<string> {
  const file = scratch("memory.ts");
  await writeFile(file, source);
  await writeFile(scratch("asconfig.json"), JSON.stringify({ options: { runtime: name } }));
  return build(file);
}

const HOARDS = `
  const kept: Uint8Array[] = [];
  function hoard(): void {
    while (true) kept.push(new Uint8Array(1 << 20));
  }
  console.log("hoarding");
  hoard();
`;

describe.each([
  ["incremental", "out_of_memory", "tlsf"],
  ["stub", "out_of_memory", "stub"],
])("with the %s runtime", (runtime, where, file) => {
  test("what cannot be allocated is told as out of memory", async () => {
    const result = await boot(await program(runtime, HOARDS), { memoryMiB: 32 });
    expect(printed(result)).toEqual(["hoarding"]);
    expect(result).toMatchObject({
      verdict: "crash",
      exitCode: 120,
      trap: { kind: "out-of-memory" },
    });
    expect(result.trap?.frames.map((frame) => frame.function)).toContain(where);
    expect(result.trap?.frames.map((frame) => frame.text).join()).toContain(`~lib/rt/${file}.ts`);
    expect(result.message).toContain("ran out of memory");
  });
});

test("the control: the program's own unreachable() and failing memory.grow() are what they were", async () => {
  const image = await program(
    "incremental",
    `const pages = memory.grow(60000);
     console.log(pages.toString());
     if (process.argv.includes("stop")) unreachable();`,
  );
  const result = await boot(image, { memoryMiB: 32 });
  expectSuccess(result);
  expect(printed(result)).toEqual(["-1"]);
  const stopped = await boot(image, { memoryMiB: 32, cmdline: "stop" });
  expect(stopped.trap?.kind).toBe("unreachable");
});

test("the control: garbage is not memory in use", async () => {
  const result = await boot(
    await program(
      "incremental",
      HOARDS.replace("while (true)", "for (let i = 0; i < 200; i++)").replace("kept.push(", "(") +
        'console.log("done");',
    ),
    { memoryMiB: 32 },
  );
  expectSuccess(result);
  expect(printed(result)).toEqual(["hoarding", "done"]);
});
