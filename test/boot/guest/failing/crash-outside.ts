// A guest that aborts before its first test.
import { expect, test } from "xenlet/test";

const none: string[] = [];
if (none.length == 0) throw new Error("nothing = nothing");

test("not reached", () => {
  expect(none.length).toBe(1);
});
