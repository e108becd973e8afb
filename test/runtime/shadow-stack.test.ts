// What functions hold is still there after a collection, though most of the stack that the collector looks at is gone.
// Why: src/host/build/asc/transform/shadow-stack.ts takes out what no collection can need; one value too many, and memory that
// is in use is given away. Fails if an object is lost in any of the shapes in probe-collector.ts, or if the stack is
// still used where it need not be.

import { afterEach, expect, test, vi } from "vitest";

import type * as ShadowStack from "../../src/host/build/asc/transform/shadow-stack.js";

const MODULE = "../../src/host/build/asc/transform/shadow-stack.js";
const ENTRY = "test/runtime/guest/collector.ts";

afterEach(() => {
  vi.doUnmock(MODULE);
  vi.resetModules();
});

/** What check() says: 0, or which of its shapes went wrong. */
async function compiled(): Promise<() => number> {
  const { compileGuest } = await import("../../src/host/build/asc/compile.js");
  const { prepareWasm } = await import("./load.js");
  const { wasm } = await compileGuest({ entry: ENTRY, cache: false });
  const { call } = prepareWasm(wasm)();
  return () => Number(call["check"]?.());
}

test("objects in use survive a collection at every allocation", { timeout: 60_000 }, async () => {
  const check = await compiled();
  expect(check()).toBe(0);
});

test("the control: were no function to collect, they would not", { timeout: 60_000 }, async () => {
  vi.doMock(MODULE, async (original) => {
    const actual = await original<typeof ShadowStack>();
    return { leanShadowStack: () => actual.leanShadowStack("probe-collector/nobody") };
  });
  const check = await compiled();
  let wrong: number;
  try {
    wrong = check();
  } catch {
    wrong = -1; // the allocator's own words were written over
  }
  expect(wrong).not.toBe(0);
});
