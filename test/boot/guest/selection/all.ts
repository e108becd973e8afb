// Everything that a test file can say, once: test/boot/guest-selection.test.ts has what comes of it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, expectTrap, group, test } from "xenlet/test";

let whole = 0;
let each = 0;
let after = 0;
let inner = 0;

beforeAll(() => {
  whole++;
});

group("hooks", () => {
  beforeEach(() => {
    each++;
  });
  afterEach(() => {
    after++;
  });
  afterAll(() => {
    console.log("the group is over after " + after.toString());
  });
  test("run around each test", () => {
    expect(whole).toBe(1);
    expect(each).toBe(1);
    expect(after).toBe(0);
  });
  group("inside", () => {
    beforeEach(() => {
      inner = each;
    });
    test("run outermost first", () => {
      expect(inner).toBe(2);
      expect(after).toBe(1);
    });
  });
  test("are gone with their group", () => {
    expect(each).toBe(3);
    expect(inner).toBe(2);
  });
});

test("matchers", () => {
  expect(0.1 + 0.2).toBeCloseTo(0.3);
  expect(<f32>1.25).toBeCloseTo(1.2, 0);
  expect(1.25).not.toBeCloseTo(1.2);
  expect([1, 2, 3]).toContain(2);
  expect([1, 2, 3]).not.toContain(4);
  expect("unikernel").toContain("kern");
  expect([1, 2, 3]).toHaveLength(3);
  expect("four").toHaveLength(4);
  expect<Array<i32> | null>(null).toBeNull();
  expect<Array<i32> | null>([]).not.toBeNull();
});

test.skip("is skipped", () => {
  expect(1).toBe(2);
});

group("traps", () => {
  test("at address 0", () => {
    expect(whole).toBe(1);
    expectTrap("null-dereference");
    store<u8>(0, 1);
  });
  test("between them", () => {
    expect(whole).toBe(1);
  });
  test("an assert", () => {
    expectTrap("abort");
    assert(false, "meant");
  });
  test("behind them", () => {
    expect(whole).toBe(1);
  });
});

test("a trap that does not come", () => {
  expectTrap("unreachable");
});

test("long values", () => {
  expect("a".repeat(3000) + "x" + "a".repeat(3000)).toBe("a".repeat(3000) + "y" + "a".repeat(3000));
});

test("lone \uD800 half", () => {
  expect(1).toBe(1);
});
