// A guest that ends itself, with success, in a test.
import { expect, test } from "xenlet/test";

test("leaves", () => {
  expect(1).toBe(1);
  process.exit(0);
});
