// A guest whose tests pass, but which ends with an exit code of its own.
import { expect, test } from "xenlet/test";

test("passes", () => {
  expect(1).toBe(1);
});
process.exitCode = 3;
