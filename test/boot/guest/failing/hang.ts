// A guest whose second test never comes to its end.
// @xenlet test-timeout=2
import { expect, test } from "xenlet/test";

test("ends", () => {
  expect(1).toBe(1);
});

test("hangs", () => {
  expect(2).toBe(2);
  while (true) {}
});

test("behind", () => {
  expect(3).toBe(3);
});
