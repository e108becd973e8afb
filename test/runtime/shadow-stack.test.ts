// What functions hold is still there after a collection, though most of the stack that the collector looks at is gone.
// Why: src/host/build/asc/transform/shadow-stack.ts takes out what no collection can need; one value too many, and memory that
// is in use is given away. Fails if an object is lost in any of the shapes in guest/collector.ts, or if the stack is
// still used where it need not be.

import { expect, test } from "vitest";

import { compileGuest } from "../../src/host/build/asc/compile.js";
import { prepareWasm } from "./load.js";

const ENTRY = "test/runtime/guest/collector.ts";

/** What check() says: 0, or which of its shapes went wrong. */
async function compiled(collectorStep?: string): Promise<() => number> {
  const { wasm } = await compileGuest({
    entry: ENTRY,
    cache: false,
    ...(collectorStep === undefined ? {} : { collectorStep }),
  });
  const { call } = prepareWasm(wasm)();
  return () => Number(call["check"]?.());
}

test("objects in use survive a collection at every allocation", { timeout: 60_000 }, async () => {
  const check = await compiled();
  expect(check()).toBe(0);
});

test("the control: were no function to collect, they would not", { timeout: 60_000 }, async () => {
  const check = await compiled("collector/nobody");
  let wrong: number;
  try {
    wrong = check();
  } catch {
    wrong = -1; // the allocator's own words were written over
  }
  expect(wrong).not.toBe(0);
});
