// Every assertion, failing, on values of every kind; and a test that asserts nothing.
import { expect, group, test } from "xenlet/test";

class Thing {}

group("fails", () => {
  test("on numbers", () => {
    expect<i32>(-1).toBe(1);
    expect<u64>(u64.MAX_VALUE).toBeLessThan(10);
    expect<i8>(5).toBeGreaterThan(6);
    expect(7).toBeWithin(1, 3);
    expect(0.5).toBe(0.25);
    expect(8).not.toBe(8);
  });

  test("on booleans, texts and objects", () => {
    expect(1 > 2).toBeTrue();
    expect(1 < 2).toBeFalse();
    expect("a = b, 100 %20\n").toBe("ü 😀");
    expect<Thing | null>(new Thing()).toBe(null);
    expect([1, 2]).toEqual([1, 3]);
  });

  test("in a loop, where only the third time does not hold", () => {
    for (let i = 0; i < 5; i++) expect(i, "i is not two").not.toBe(2);
  });
});

test("that asserts nothing", () => {});
expect("outside").toBe("of any test");
test("passes, and saves nothing", () => {
  expect(true).toBeTrue();
});
