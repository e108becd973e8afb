// A guest that ends itself, with success, before all of its tests have run.
import { expect, test } from "xenlet/test";

test("before", () => {
  expect(1).toBe(1);
});

if (performance.now() > 0) process.exit(0);

test("behind", () => {
  expect(1).toBe(1);
});
