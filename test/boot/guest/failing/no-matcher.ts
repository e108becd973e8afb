// An assertion that asserts nothing does not build.
import { expect, test } from "xenlet/test";

test("forgot something", () => {
  expect(1 + 1);
});
