// Xen's clocks read from memory that Xen writes.
// Why: a deadline is only as good as the clock it is measured on, and each of these was a way to get it wrong: a
// torn read, a young domain whose stamp lies before the TSC's zero, a stamp ahead of the TSC, a product that
// overflows 64 bits. Fails if the sequence lock is not honoured or the scaling loses bits.

import { beforeAll, describe, expect, test } from "vitest";

import { prepareGuest } from "./load.js";

let start: Awaited<ReturnType<typeof prepareGuest>>;

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/probe.ts");
});

const ONE_TO_ONE = { mul: 0x80000000, shift: 1 };

describe("systemTime", () => {
  test("adds the scaled ticks since the stamp", () => {
    const { xen, call } = start();
    xen.setTime({ stamp: 100n, base: 5000n, ...ONE_TO_ONE });
    xen.tsc = 350n;
    expect(call["systemTime_"]?.()).toBe(5250n);
    xen.setTime({ stamp: 100n, base: 5000n, mul: 0xffffffff, shift: -1 });
    xen.tsc = 1_000_100n;
    expect(call["systemTime_"]?.()).toBe(5000n + 499_999n);
  });

  test("works with a stamp before the TSC's zero", () => {
    const { xen, call } = start();
    xen.setTime({ stamp: 2n ** 64n - 1000n, base: 5000n, ...ONE_TO_ONE });
    xen.tsc = 500n;
    expect(BigInt.asUintN(64, BigInt(call["systemTime_"]?.() ?? 0))).toBe(6500n);
  });

  test("does not run backwards when the stamp is ahead", () => {
    const { xen, call } = start();
    xen.setTime({ stamp: 1000n, base: 5000n, ...ONE_TO_ONE });
    xen.tsc = 990n;
    expect(call["systemTime_"]?.()).toBe(5000n);
  });

  test("reads again while Xen writes", () => {
    const { xen, call } = start();
    xen.setTime({ version: 3, stamp: 0n, base: 1n, ...ONE_TO_ONE }); // odd: half written
    xen.tsc = 0n;
    const imports = xen.load32.bind(xen);
    let reads = 0;
    xen.load32 = (address: number): number => {
      if (address === xen.sharedInfo + 32 && ++reads === 3) {
        xen.setTime({ version: 4, stamp: 0n, base: 777n, ...ONE_TO_ONE });
      }
      return imports(address);
    };
    expect(call["systemTime_"]?.()).toBe(777n);
    expect(reads).toBeGreaterThan(3);
  });
});

describe("scale", () => {
  test.each([
    [2n ** 63n, 0xffffffffn],
    [2n ** 40n + 12345n, 3734760665n],
    [0xffffffffn, 0xffffffffn],
    [1n, 1n],
  ])("(%s * %s) >> 32 keeps the high bits", (delta, multiplier) => {
    const { call } = start();
    const got = BigInt.asUintN(64, BigInt(call["scale_"]?.(delta, Number(multiplier)) ?? 0));
    expect(got).toBe(BigInt.asUintN(64, (delta * multiplier) >> 32n));
  });
});

describe("wallClock", () => {
  test("is the boot's wall clock time, beyond 32 bits of seconds too, and system time", () => {
    const { xen, call } = start();
    xen.setTime({ stamp: 0n, base: 2_000_000_000n, ...ONE_TO_ONE });
    xen.tsc = 0n;
    xen.store32(xen.sharedInfo + 3076, 5);
    xen.store32(xen.sharedInfo + 3080, 250);
    xen.store32(xen.sharedInfo + 3084, 1);
    expect(call["wallClock_"]?.()).toBe((2n ** 32n + 5n) * 1_000_000_000n + 250n + 2_000_000_000n);
  });
});
