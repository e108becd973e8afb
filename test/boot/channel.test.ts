// The channel's fuzz, a short run of it (make fuzz-channel: a long one). Why: arguments, environment, input and output are any
// bytes of any length, and no list covers every combination. Fails if one byte of all that differs.

import { beforeAll, describe, expect, test } from "vitest";

import { extent } from "../fixtures/extent.js";
import { batch, difference, runBatch } from "../fuzz/channel.js";
import { boot, build } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/channel.ts");
});

describe("random vectors come through as they are", () => {
  test.each([
    { on: "domu", seed: 1, count: extent(25, 100) },
    { on: "domu", seed: 2, count: extent(20, 95), records: "port" },
    { on: "dom0", seed: 3, count: 1 },
    { on: "dom0", seed: 4, count: 1 },
    ...extent([], [5, 6, 7]).map((seed) => ({ on: "dom0", seed, count: 1 }) as const),
  ] as const)("%o", async ({ seed, count, ...options }) => {
    const wrong = await runBatch(seed, count, (given) =>
      boot(image, { modules: [image], timeoutMs: 120_000, ...given, ...options }),
    );
    expect(wrong).toBeNull();
  });
});

test("the control: a byte that differs is found", () => {
  const { expected } = batch(1, 5);
  const wrong = Buffer.from(expected.stdout);
  wrong[100] = (wrong[100] ?? 0) ^ 1;
  expect(difference(wrong, expected.stdout)).toContain("different from byte 100 on");
  expect(difference(expected.stdout.subarray(1), expected.stdout)).not.toBeNull();
});
