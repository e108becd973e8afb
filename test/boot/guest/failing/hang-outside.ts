// A guest that hangs between two tests: no test's deadline, so the file's.
// @xenlet timeout=3 test-timeout=1
import { commandLineValue } from "xenlet";
import { expect, test } from "xenlet/test";

test("before", () => {
  expect(1).toBe(1);
});

while (commandLineValue("go") != "on") {}

test("behind", () => {
  expect(1).toBe(1);
});
