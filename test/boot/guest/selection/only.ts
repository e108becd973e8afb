// test.only(), also for the tests before it: test/boot/guest-selection.test.ts.
import { expect, group, test } from "xenlet/test";

test("before", () => {
  expect(1).toBe(2);
});
group("a group", () => {
  test("beside", () => {
    expect(1).toBe(2);
  });
  test.only("alone", () => {
    expect(1).toBe(1);
  });
});
group.only("all of these", () => {
  test("one", () => {
    expect(1).toBe(1);
  });
});
