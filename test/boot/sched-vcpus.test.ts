// SCHEDOP_yield and SCHEDOP_pin_override where there are two vCPUs, or a CPU that is offline.
// Why: a yield is for the vCPU that waits for the CPU; with one vCPU it cannot be told from nothing. Fails if the
// other vCPU does not run when this one yields, or runs although it does not.

import { beforeAll, describe, expect, test } from "vitest";

import { boot, build, expectSuccess, payloads, printed } from "./setup.js";

/** The machine has two CPUs, Xen uses one: the vCPUs compete for it, and the other CPU is offline. */
const ONE_OF_TWO = { vcpus: 2, xenArgs: ["maxcpus=1"] };
const ROUNDS = 200;

describe("yield, two vCPUs on one CPU", () => {
  let image: string;
  beforeAll(async () => {
    image = await build("test/boot/guest/sched-vcpus.ts");
  });

  async function rounds(cmdline: string): Promise<{ stoodStill: number; ran: number }> {
    const result = await boot(image, { on: "dom0", cmdline, ...ONE_OF_TWO, timeoutMs: 60_000 });
    expectSuccess(result);
    const said = new Map(printed(result).map((line) => [line.replace(/ \d+$/, ""), line]));
    const number = (what: string): number => Number(said.get(what)?.slice(what.length));
    expect(number("rounds")).toBe(ROUNDS);
    expect(number("results")).toBe(0);
    expect(payloads(result, "measure").join()).toMatch(
      /name=yield, nobody waits .*name=yield, another waits /,
    );
    return { stoodStill: number("stood still"), ran: number("ran") };
  }

  // Now and then the end of a slice falls between two looks: hence not all of the rounds.
  test("the other runs when this one yields, and not before", async () => {
    const { stoodStill, ran } = await rounds("");
    expect(stoodStill).toBeGreaterThan(ROUNDS * 0.8);
    expect(ran).toBeGreaterThan(ROUNDS * 0.8);
  });

  test("control: without the yield it stands still", async () => {
    expect((await rounds("mutant")).ran).toBeLessThan(ROUNDS * 0.2);
  });
});

describe("pin_override, a CPU that exists and is offline", () => {
  let image: string;
  beforeAll(async () => {
    image = await build("test/boot/guest/sched-pin.ts");
  });

  test("is -EINVAL", async () => {
    const result = await boot(image, { on: "dom0", ...ONE_OF_TWO });
    expectSuccess(result);
    expect(printed(result)).toEqual(["pin to CPU 1: -EINVAL", "pin to CPU 0: 0"]);
  });

  test("control: online, it is pinned to, and then no other", async () => {
    const result = await boot(image, { on: "dom0", vcpus: 2 });
    expectSuccess(result);
    expect(printed(result)).toEqual(["pin to CPU 1: 0", "pin to CPU 0: -EBUSY"]);
  });
});
