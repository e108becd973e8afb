// Programs of secondary vCPUs as vCPU 0 writes and reads them.
// Why: another CPU works on that memory. A step written to the wrong place is another hypercall, an answer read from the wrong
// place a wrong finding about Xen, and memory collected while the vCPU works on it a wild write. Fails for each of these.

import { beforeAll, describe, expect, test } from "vitest";

import { FakeVcpus } from "./fake-vcpus.js";
import { prepareGuest } from "./load.js";

let start: Awaited<ReturnType<typeof prepareGuest>>;

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/vcpu.ts");
});

function guest(): { xen: FakeVcpus; call: (name: string, ...args: bigint[]) => unknown } {
  const xen = new FakeVcpus();
  const { call } = start(xen);
  return { xen, call: (name, ...args) => call[name]?.(...args) };
}

describe("a program", () => {
  test("is carried out in order, each step with what it was given", () => {
    const { xen, call } = guest();
    xen.on("vcpu_op", 3, () => 1n);
    call("everyStep");
    expect(xen.did).toEqual([
      "1: vcpu_op(3) after 5+7",
      "1: event_channel_op(4)",
      "1: sleep 1",
      "1: sched_op(3)",
      "1: take",
      "1: take",
      "1: receive",
      "1: pause after 100+50",
      "1: await for ever",
      "1: meet 3",
      "1: wrmsr 80f 1ff",
    ]);
    expect(call("calls")).toBe(3n);
    expect(call("progress")).toBe(11n);
  });

  test("polls the port that it names until the deadline that it names", () => {
    const { xen, call } = guest();
    let seen: unknown[] = [];
    xen.on("sched_op", 3, (_cmd, arg = 0n) => {
      const at = Number(arg);
      seen = [xen.load32(Number(xen.load64(at))), xen.load32(at + 8), xen.load64(at + 16)];
      return 0n;
    });
    call("everyStep");
    expect(seen).toEqual([1, 1, 1234n]);
  });

  test("ends by a step that has to succeed and does not", () => {
    const { xen, call } = guest();
    expect(call("storesAndAwaits")).toBe(-62n);
    expect(xen.did).toEqual(["1: store", "1: await 10", "1: await 10"]);
  });

  test("passes on what one call left in its argument, whose status is the answer", () => {
    const { xen, call } = guest();
    let handle = 0;
    xen.on("grant_table_op", 0, (_cmd, arg = 0n) => {
      const at = Number(arg);
      xen.store32(at + 16, 0xfffd << 16);
      xen.store32(at + 20, 77);
      return 0n;
    });
    xen.on("grant_table_op", 1, (_cmd, arg = 0n) => {
      handle = xen.load32(Number(arg) + 16);
      return 0n;
    });
    expect(call("passesOn")).toBe(1n);
    expect(handle).toBe(77);
  });

  test("has no room for more steps than it was made for", () => {
    const { xen, call } = guest();
    expect(() => call("tooLong")).toThrow("shut down");
    expect(xen.records.at(-1)?.text).toContain("no room for another step");
  });
});

describe("answers", () => {
  test("are counted by their value, and as they first came", () => {
    const { xen, call } = guest();
    let turn = 0;
    xen.on("vcpu_op", 3, () => [0n, -16n, 0n, -11n][turn++ % 4] ?? 0n);
    call("asks", 10n);
    expect(call("answers")).toBe(3);
    expect([0, 1, 2].map((i) => call("answer", i as unknown as bigint))).toEqual([0n, -16n, -11n]);
    expect(call("answered", 0n)).toBe(5n);
    expect(call("answered", -16n)).toBe(3n);
    expect(call("answered", -11n)).toBe(2n);
    expect(call("answered", -22n)).toBe(0n);
    expect(call("uncounted")).toBe(0n);
  });

  test("beyond the twelfth different one are counted together", () => {
    const { xen, call } = guest();
    let turn = 0n;
    xen.on("vcpu_op", 3, () => turn++);
    call("asks", 20n);
    expect(call("answers")).toBe(12);
    expect(call("uncounted")).toBe(8n);
  });
});

describe("while it runs", () => {
  test("nothing that it points to is collected", () => {
    const { xen, call } = guest();
    xen.patience = 3;
    const argument = Number(call("forgets")) >>> 0;
    expect(call("collect")).toBe(3n);
    expect(xen.load64(argument)).toBe(0x7ff0n);
  });

  test("no other can begin", () => {
    const { xen, call } = guest();
    xen.patience = 3;
    call("forgets");
    expect(() => call("again")).toThrow("shut down");
    expect(xen.records.at(-1)?.text).toContain("has not finished its last program");
  });
});

describe("the FIFO ABI", () => {
  test("has a control block for each vCPU with a port: vCPU 1's is there already, vCPU 2's comes with its port", () => {
    const { xen, call } = guest();
    const blocks: string[] = [];
    xen.on("event_channel_op", 11, (_cmd, arg = 0n) => {
      const at = Number(arg);
      blocks.push(`vCPU ${String(xen.load32(at + 12))} at ${String(xen.load32(at + 8))}`);
      return 0n;
    });
    xen.on("event_channel_op", 12, () => 0n);
    expect(call("pingsOverFifo")).toBe(2n);
    expect(blocks).toEqual(["vCPU 0 at 0", "vCPU 1 at 128", "vCPU 2 at 256"]);
  });

  test("a vCPU that gets none has no port", () => {
    const { xen, call } = guest();
    xen.on("event_channel_op", 11, (_cmd, arg = 0n) =>
      xen.load32(Number(arg) + 12) === 2 ? -12n : 0n,
    );
    xen.on("event_channel_op", 12, () => 0n);
    expect(call("pingsOverFifo")).toBe(-12n);
    expect(xen.calls.at(-1)).toBe("event_channel_op(3)");
  });
});
