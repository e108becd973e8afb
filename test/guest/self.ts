// The test API itself, on a real Xen: each kind of assertion on each kind of value, where it holds. What is
// said of those that do not hold is test/boot/guest-failing.test.ts's business.

import { expect, group, needs, runsOn, skip, test, todo } from "xenlet/test";

let order = "";

class Counter {
  count: i32 = 0;
}

group("expect", () => {
  test("compares integers of every size", () => {
    expect<i8>(-128).toBe(-128);
    expect<u16>(65535).toBe(65535);
    expect<i32>(-5).toBeLessThan(-4);
    expect<u32>(0xffffffff).toBeGreaterThan(1);
    expect<i64>(i64.MIN_VALUE).toBeLessThan(0);
    expect<u64>(u64.MAX_VALUE).toBeGreaterThan(1);
    expect(3).not.toBe(4);
    expect(3).toBeWithin(3, 3);
    expect(3).not.toBeWithin(4, 9);
    expect(3).not.not.toBe(3);
  });

  test("compares floats, with NaN as a value", () => {
    expect(0.1 + 0.2).toBeWithin(0.29, 0.31);
    expect(f64.NaN).toBe(f64.NaN);
    expect<f32>(1.5).not.toBe(1.25);
  });

  test("compares booleans", () => {
    expect(order == "").toBeTrue();
    expect(order != "").toBeFalse();
    expect(true).not.toBe(false);
  });

  test("compares strings by content, objects by identity", () => {
    expect("hällo " + "😀").toBe("hällo 😀");
    expect<string | null>(null).not.toBe("");
    const counter = new Counter();
    expect(counter).toBe(counter);
    expect(counter).not.toBe(new Counter());
  });

  test("compares arrays element by element", () => {
    expect([1, 2, 3]).toEqual([1, 2, 3]);
    expect([1, 2]).not.toEqual([1, 2, 3]);
    expect(["a", "b"]).not.toEqual(["a", "c"]);
    const fixed: StaticArray<u32> = [7];
    expect(fixed).toEqual([7]);
  });
});

group("test", () => {
  group("in a group of a group", () => {
    test("a name with spaces, a=b, 100 %, %20\nand a second line: ünïcödé 😀", () => {
      order += "1";
      expect(order).toBe("1");
    });
  });

  test("runs where it stands", () => {
    order += "2";
    expect(order).toBe("12");
  });

  test("counts an assertion in a loop without a record each time", () => {
    for (let i = 0; i < 10000; i++) expect(i).toBeLessThan(10000);
  });
});

for (let i = 0; i < 3; i++) {
  test("a computed name, " + i.toString(), () => {
    expect(order).toBe("12");
  });
}

group("capabilities", () => {
  test(
    "this run is a dom0",
    () => {
      expect(runsOn("dom0")).toBeTrue();
      expect(runsOn("dom")).toBeFalse();
      expect(needs("dom0")).toBe("");
    },
    needs("dom0"),
  );

  test(
    "what needs another way to run is skipped",
    () => {
      expect(false).toBeTrue();
    },
    needs("a way to run that nobody has"),
  );

  group(
    "and so is a group",
    () => {
      unreachable();
      test("of tests", () => {
        expect(false).toBeTrue();
      });
    },
    needs("a way to run that nobody has"),
  );
});

skip("a skipped test", "it shows what skipping looks like");
todo("a test that is still to be written");
