// A guest whose sums do not fit what it told: it counts a passed test that was not reported.
import { record } from "xenlet";
import { expect, test } from "xenlet/test";

test("seen", () => {
  expect(1).toBe(1);
});
record("test", "event=end passed=2 failed=0 skipped=0 todo=0");
process.exit(0);
