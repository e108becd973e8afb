// A kernel in reserve, on a real Xen: a guest that traps, gives up, or whose other vCPU traps, soft-resets itself and
// jumps; the crash kernel reads what died, and ends the domain as crashed.
// Why: a post-mortem that is wrong is worse than none. Fails if the backtrace is not the one that the trap itself was
// told with, if the dead guest's memory is not what it was, if the crash kernel cannot set itself up, or if the domain
// ends otherwise than as crashed.

import { beforeAll, describe, expect, test } from "vitest";

import { boot, build, expectSuccess, payloads, printed } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/crash.ts", { native: ["test/boot/guest/crash.c"] });
});

async function crash(cmdline: string, vcpus = 1) {
  return boot(image, { on: "domu", modules: [image], cmdline, vcpus, timeoutMs: 60_000 });
}

/** The addresses of a trap's or an abort's record. */
const addresses = (record: string | undefined) =>
  /rip=0x[0-9a-f]+ frames=[0-9a-fx,]*/.exec(record ?? "")?.[0] ?? "none";

describe("its backtrace is the trap's own, its memory is whole", () => {
  test.each([
    ["trap", "out-of-bounds, vector 14, vCPU 0", "crash"],
    ["recursion", "stack-overflow, vector 14, vCPU 0", "recurse"],
  ])("%s", async (how, what, where) => {
    const result = await crash(`how=${how}`);
    const [dead, frames, memory, marks, anew] = printed(result);
    expect(dead).toBe(`dead: ${what}`);
    const [trap] = payloads(result, "trap");
    expect(addresses(trap)).not.toBe("none");
    // The trap's own record is bounded to 24 frames.
    expect(frames?.startsWith(addresses(trap))).toBe(true);
    expect(result.trap?.frames.map((frame) => frame.function).join()).toContain(where);
    expect(memory).toMatch(/^memory of \d+ bytes: whole$/);
    expect(marks).toBe("marks markmark");
    expect(anew).toBe("vcpu_info 0, timer 3");
    expect(result.ended).toMatchObject({ reason: 3 });
    expect(result.damage).toEqual([]);
  });

  test("abort", async () => {
    const result = await crash("how=abort");
    const [dead, frames, memory] = printed(result);
    expect(dead).toBe("dead: abort, vector -1, vCPU 0");
    expect(frames).toBe(addresses(payloads(result, "abort")[0]));
    expect(memory).toMatch(/: whole$/);
    expect(result.ended).toMatchObject({ reason: 3 });
    expect(result.message).toContain("given up");
  });

  test("on another vCPU: vCPU 0 takes it over, and jumps", async () => {
    const result = await crash("how=vcpu", 2);
    const [dead, frames, memory] = printed(result);
    expect(dead).toBe("dead: null-dereference, vector 14, vCPU 1");
    expect(payloads(result, "trap")).toHaveLength(1);
    expect(frames?.split(" ")[0]).toBe(addresses(payloads(result, "trap")[0]).split(" ")[0]);
    expect(memory).toMatch(/: whole$/);
    expect(result.ended).toMatchObject({ reason: 3 });
  });
});

test("one byte of the dead guest's memory changed: it is noticed", async () => {
  const result = await crash("how=trap spoil=1");
  expect(printed(result)[2]).toMatch(/: changed$/);
});

test("without a kernel in reserve, a crash is the end", async () => {
  const result = await crash("how=trap reserve=no");
  expect(printed(result)).toEqual([]);
  expect(payloads(result, "trap")).toHaveLength(1);
  expect(result.ended).toMatchObject({ reason: 3 });
});

test("a guest that does not crash never gets there", async () => {
  const result = await crash("how=none");
  expectSuccess(result);
  expect(printed(result)).toEqual([]);
});
