// The console ring and the grant table against another end that this test plays.
// Why: both are protocols in shared memory, where the mistakes show only when a ring is full, a counter wraps, or
// the other end acts between two of our steps. Fails if a byte is lost, doubled or reordered, if a full ring is
// overrun, or if a permission is taken back under another domain's mapping.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import { FakeXen } from "./fake-xen.js";
import { prepareGuest, type LoadedGuest } from "./load.js";

const IN_CONS = 3072;
const IN_PROD = 3076;
const OUT_CONS = 3080;
const OUT_PROD = 3084;
const OUT = 1024;
const OUT_SIZE = 2048;
const IN_SIZE = 1024;

let start: Awaited<ReturnType<typeof prepareGuest>>;
let guest: LoadedGuest;
let xen: FakeXen;

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/devices.ts");
});

beforeEach(() => {
  guest = start();
  xen = guest.xen;
  xen.on("event_channel_op", 4, () => 0n);
  xen.on("sched_op", 3, () => 0n);
});

const call = (name: string, ...args: (number | bigint | boolean)[]): number =>
  Number(guest.call[name]?.(...(args as number[])));

describe("the console ring", () => {
  let page: number;
  let buffer: number;

  beforeEach(() => {
    page = call("ringPage") >>> 0;
    buffer = call("bufferAt");
  });

  /** Plays the daemon: takes what is in the ring. */
  function drain(): number[] {
    const taken: number[] = [];
    let at = xen.load32(page + OUT_CONS);
    for (; at !== xen.load32(page + OUT_PROD); at = (at + 1) >>> 0)
      taken.push(xen.load8(page + OUT + (at % OUT_SIZE)));
    xen.store32(page + OUT_CONS, at);
    return taken;
  }

  function fill(bytes: number[]): void {
    bytes.forEach((byte, index) => {
      new DataView(xen.memory.buffer).setUint8(buffer + index, byte);
    });
  }

  test("five rings' worth comes out whole and in order, the counters wrapping on the way", () => {
    const bytes = Array.from({ length: 5 * OUT_SIZE }, (_, index) => (index * 7) % 251);
    fill(bytes);
    for (const counter of [OUT_CONS, OUT_PROD]) xen.store32(page + counter, 0xfffffff0);
    const taken: number[] = [];
    xen.on("sched_op", 3, () => {
      taken.push(...drain());
      return 0n;
    });
    expect(call("write", bytes.length, 0n)).toBe(bytes.length);
    taken.push(...drain());
    expect(taken).toEqual(bytes);
  });

  test("a daemon that does not read is waited for until the deadline, and nothing is overrun", () => {
    xen.setTime({ stamp: 0n, base: 1000n, mul: 0x80000000, shift: 1 });
    xen.tsc = 5000n;
    fill(Array.from({ length: OUT_SIZE + 100 }, () => 1));
    expect(call("write", OUT_SIZE + 100, 2000n)).toBe(OUT_SIZE);
    expect(call("room")).toBe(0);
    expect(drain().length).toBe(OUT_SIZE);
  });

  test("a counter that makes no sense writes nothing", () => {
    xen.store32(page + OUT_PROD, 0);
    xen.store32(page + OUT_CONS, 5);
    expect(call("room")).toBe(0);
  });

  test("input comes in order over the ring's end, and no more than there is", () => {
    const bytes = Array.from({ length: 600 }, (_, index) => index % 256);
    for (const [round, from] of [0, 600, 1200].entries()) {
      bytes.forEach((byte, index) => {
        xen.store8(page + ((from + index) % IN_SIZE), byte);
      });
      xen.store32(page + IN_PROD, from + 600);
      expect(call("read", 4096), `round ${String(round)}`).toBe(600);
      const got = [...new Uint8Array(xen.memory.buffer, buffer, 600)];
      expect(got).toEqual(bytes);
    }
    expect(call("read", 10)).toBe(0);
    expect(xen.load32(page + IN_CONS)).toBe(1800);
  });

  test("the daemon is told of each chunk", () => {
    xen.calls.length = 0;
    call("write", 10, 0n);
    expect(xen.calls).toContain("event_channel_op(4)");
  });
});

describe("grants", () => {
  /** The table is the page that the runtime asked for after the ring's. */
  function table(): number {
    return (call("ringPage") >>> 0) + 4096;
  }

  test("an entry says who, which frame and how; references below 8 are left alone", () => {
    const first = call("access", 5, 0x1234n, false);
    const second = call("access", 6, 0x99n, true);
    expect([first, second]).toEqual([8, 9]);
    expect(xen.load32(table() + 8 * 8)).toBe((5 << 16) | 1);
    expect(xen.load32(table() + 8 * 8 + 4)).toBe(0x1234);
    expect(xen.load32(table() + 9 * 8)).toBe((6 << 16) | 1 | 4);
  });

  test("one that is mapped is not taken back, and is reported", () => {
    const ref = call("access", 5, 1n, false);
    xen.store32(table() + ref * 8, (5 << 16) | 1 | 8);
    expect(call("end", ref)).toBe(0);
    expect(call("activeCount")).toBe(1);
    xen.store32(table() + ref * 8, (5 << 16) | 1);
    expect(call("end", ref)).toBe(1);
    expect(call("activeCount")).toBe(0);
    expect(xen.load32(table() + ref * 8)).toBe(0);
  });

  test("a mapping that comes between the look and the taking is seen", () => {
    const ref = call("access", 5, 1n, false);
    const at = table() + ref * 8;
    const read = xen.load32.bind(xen);
    let looked = false;
    xen.load32 = (address: number): number => {
      const value = read(address);
      if (address === at && !looked) {
        looked = true;
        xen.store32(at, value | 16); // the other end maps it now
      }
      return value;
    };
    expect(call("end", ref)).toBe(0);
  });

  test("a full table says so", () => {
    for (let ref = 8; ref < 512; ref++) expect(call("access", 1, 1n, false)).toBe(ref);
    expect(call("access", 1, 1n, false)).toBe(-1);
    expect(call("end", 100)).toBe(1);
    expect(call("access", 1, 1n, false)).toBe(100);
  });
});
