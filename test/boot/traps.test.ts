// Every way in which a guest dies of its own fault, on a real machine: the report names the kind and the function.
// Why: memory safety here is page tables and a few inlined checks, not a compiler's bounds checks, so only a CPU
// can show that it holds; a trap that is reported wrongly sends its reader to the wrong place. Fails if a page is
// mapped that should not be, if a page is writable and executable, if a check is optimised away (the load whose
// result is unused), or if two functions are folded into one.

import { beforeAll, describe, expect, test } from "vitest";

import { boot, build, expectSuccess, payloads, printed } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/traps.ts", { native: ["test/boot/guest/traps.c"] });
});

describe("a trap ends the guest as a crash", () => {
  test.concurrent.for([
    ["unreachable", "unreachable", "traps_unreachable"],
    ["divide", "divide-by-zero", "traps_divide"],
    ["overflow", "integer-overflow", "traps_overflow"],
    ["null", "null-dereference", "traps_null"],
    ["nullField", "null-dereference", "traps_nullField"],
    ["beyond", "out-of-bounds", "traps_beyond"],
    ["unused", "out-of-bounds", "traps_unused"],
    ["far", "out-of-bounds", "traps_far"],
    ["fill", "out-of-bounds", "traps_fill"],
    ["recursion", "stack-overflow", "recurse"],
    ["indirect", "table-out-of-bounds", "traps_indirect"],
    ["signature", "indirect-call-type", "traps_signature"],
    ["jumpLinear", "execute-data", "traps_jumpLinear"],
    ["jumpData", "execute-data", "traps_jumpData"],
    ["writeText", "write-to-code", "write"],
    ["writeRodata", "write-to-code", "write"],
  ] as const)("%s is told as %s in %s", async ([name, kind, where]) => {
    const result = await boot(image, { cmdline: `trap=${name}` });
    expect(printed(result)).toEqual([`about to: ${name}`]);
    expect(result).toMatchObject({
      verdict: "crash",
      exitCode: 120,
      ended: { reason: 3 },
      trap: { kind },
    });
    expect(result.trap?.frames.slice(0, 3).map((frame) => frame.function)).toContain(where);
  });

  test("an exception that nobody catches is told with its whole message, file and line", async () => {
    const result = await boot(image, { cmdline: "trap=throw" });
    expect(result).toMatchObject({ verdict: "crash", exitCode: 120 });
    expect(payloads(result, "abort")[0]).toMatch(
      /^file=traps\.ts line=\d+ column=\d+ .*text=grün: a message .* 100% of it, and not more than that$/,
    );
  });
});

test("the control: without a trap, the same image succeeds", async () => {
  const result = await boot(image);
  expectSuccess(result);
  expect(printed(result)).toEqual(["still alive"]);
});
