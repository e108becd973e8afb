// The toolstack's end of a domain's console, against a domain that this test plays: what it writes becomes lines,
// what is typed becomes input.
// Why: the page is the domain's to write to, counters included, and everything that a guest says comes this way.
// Fails if a byte is lost, doubled or reordered, if a character is torn, if a full ring costs input, or if counters
// that make no sense make the toolstack read or write where it should not, or not come to an end.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import { FakeDom0 } from "./fake-dom0.js";
import { prepareGuest, type LoadedGuest } from "./load.js";

const OUT = 1024;
const IN_CONS = 3072;
const IN_PROD = 3076;
const OUT_CONS = 3080;
const OUT_PROD = 3084;
const IN_SIZE = 1024;
const OUT_SIZE = 2048;

let start: Awaited<ReturnType<typeof prepareGuest>>;
let guest: LoadedGuest;
let xen: FakeDom0;
let page: number;
let sent: number;

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/console-backend.ts");
});

beforeEach(() => {
  xen = new FakeDom0();
  guest = start(xen);
  page = Number(guest.call["ringPage"]?.()) >>> 0;
  sent = 0;
  xen.on("event_channel_op", 4, () => {
    sent++;
    return 0n;
  });
});

const call = (name: string): number => Number(guest.call[name]?.());
const counter = (offset: number): number => xen.load32(page + offset);
const setCounter = (offset: number, value: number): void => {
  xen.store32(page + offset, value >>> 0);
};

/** The lines that came out: `7.` before one that ends, `7+` before a part. */
function lines(): string[] {
  return xen.records.filter(({ kind }) => kind === "line").map(({ text }) => text);
}

/** The domain writes all of it, a ring's worth at a time; the toolstack reads each time. */
function write(text: string | Uint8Array): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    const from = counter(OUT_PROD);
    const room = OUT_SIZE - ((from - counter(OUT_CONS)) >>> 0);
    const some = Math.min(room, bytes.length - done);
    for (let i = 0; i < some; i++)
      xen.store8(page + OUT + (((from + i) >>> 0) % OUT_SIZE), bytes[done + i] ?? 0);
    setCounter(OUT_PROD, from + some);
    expect(call("drain")).toBe(some);
    done += some;
  }
}

describe("what the domain writes", () => {
  test("comes out line by line, whatever was written at once", () => {
    write("one\ntwo");
    write(" and more\r\n\nlast");
    expect(lines()).toEqual(["7.one", "7.two and more", "7."]);
    call("finish");
    expect(lines().at(-1)).toBe("7.last");
  });

  test("is whole and in order, 100 KB of it, the counters wrapping on the way", () => {
    setCounter(OUT_CONS, 0xffff_f000);
    setCounter(OUT_PROD, 0xffff_f000);
    const said = Array.from({ length: 2000 }, (_, i) => `line ${String(i)} ${"é".repeat(i % 40)}`);
    write(said.map((line) => `${line}\n`).join(""));
    expect(lines()).toEqual(said.map((line) => `7.${line}`));
  });

  test("tells the domain each time that there is room again, if there was little", () => {
    write("x".repeat(3 * OUT_SIZE));
    expect(sent).toBe(3);
    expect(counter(OUT_CONS)).toBe(counter(OUT_PROD));
    write("x".repeat(OUT_SIZE / 2));
    expect(sent).toBe(3);
    write("x".repeat(OUT_SIZE / 2 + 1));
    expect(sent).toBe(4);
  });

  test.each([
    ["a", 1],
    ["é", 2],
    ["€", 3],
    ["😀", 4],
  ])("in a long line of %s comes in parts, no character torn", (character, bytes) => {
    for (let shift = 0; shift < 4; shift++) {
      xen.records.length = 0;
      const line = "-".repeat(shift) + character.repeat(Math.ceil(10_000 / bytes));
      write(`${line}\n`);
      const parts = lines();
      expect(parts.map((part) => part.slice(0, 2))).toEqual(["7+", "7+", "7."]);
      expect(parts.map((part) => part.slice(2)).join("")).toBe(line);
    }
  });

  test("that is no UTF-8 does not keep the rest back", () => {
    write(Buffer.alloc(5000, 0x80));
    write("\nnext\n");
    expect(lines().map((line) => line.slice(0, 2))).toEqual(["7+", "7.", "7."]);
    expect(lines().at(-1)).toBe("7.next");
  });

  test("ends with its domain: a line without its end, in parts or whole, once", () => {
    write("y".repeat(4097));
    call("finish");
    expect(lines()).toEqual([`7+${"y".repeat(4096)}`, "7.y"]);
    call("finish");
    expect(lines().length).toBe(2);
  });
});

describe("counters of the domain's that make no sense", () => {
  test.each([
    ["one more than a ring's worth", 0, OUT_SIZE + 1],
    ["far ahead", 5, 0x8000_0000],
    ["behind", 100, 99],
  ])("on the way out, %s: nothing is taken, nobody is told", (_name, cons, prod) => {
    setCounter(OUT_CONS, cons);
    setCounter(OUT_PROD, prod);
    expect(call("drain")).toBe(0);
    call("finish");
    expect(lines()).toEqual([]);
    expect(counter(OUT_CONS)).toBe(cons);
    expect(sent).toBe(0);
  });

  test("the control: a ring's worth is taken", () => {
    setCounter(OUT_CONS, 5);
    setCounter(OUT_PROD, 5 + OUT_SIZE);
    expect(call("drain")).toBe(OUT_SIZE);
  });

  test.each([
    ["one more than a ring's worth", 0, IN_SIZE + 1],
    ["ahead of what was typed", 100, 99],
  ])("on the way in, %s: nothing is typed, and nothing lost", (_name, cons, prod) => {
    setCounter(IN_CONS, cons);
    setCounter(IN_PROD, prod);
    xen.typed = Buffer.from("kept");
    call("pump");
    expect(counter(IN_PROD)).toBe(prod);
    setCounter(IN_CONS, 0);
    setCounter(IN_PROD, 0);
    call("pump");
    expect(taken()).toBe("kept");
  });
});

/** The domain reads what is there. */
function taken(): string {
  const bytes: number[] = [];
  let at = counter(IN_CONS);
  for (; at !== counter(IN_PROD); at = (at + 1) >>> 0) bytes.push(xen.load8(page + (at % IN_SIZE)));
  setCounter(IN_CONS, at);
  return Buffer.from(bytes).toString("latin1");
}

describe("what is typed", () => {
  test("reaches the domain, and it is told", () => {
    xen.typed = Buffer.from("hello\r");
    call("pump");
    expect(taken()).toBe("hello\r");
    expect(sent).toBe(1);
  });

  test("beyond a full ring is kept until there is room: 10,000 bytes, in order", () => {
    setCounter(IN_CONS, 0xffff_fff0);
    setCounter(IN_PROD, 0xffff_fff0);
    const typed = Array.from({ length: 10_000 }, (_, i) => String.fromCharCode(33 + (i % 90))).join(
      "",
    );
    xen.typed = Buffer.from(typed);
    let read = "";
    for (let turn = 0; turn < 20; turn++) {
      call("pump");
      expect((counter(IN_PROD) - counter(IN_CONS)) >>> 0).toBeLessThanOrEqual(IN_SIZE);
      read += taken();
    }
    expect(read).toBe(typed);
  });

  test("and not read by the domain is left to Xen in the end: 16 KiB and a ring are kept", () => {
    xen.typed = Buffer.alloc(40_000, 0x61);
    call("pump");
    expect(xen.typed.length).toBe(40_000 - 16_384 - IN_SIZE);
    call("pump");
    expect(xen.typed.length).toBe(40_000 - 16_384 - IN_SIZE);
    taken();
    call("pump");
    expect(xen.typed.length).toBe(40_000 - 16_384 - 2 * IN_SIZE);
  });

  test("by nobody costs nothing: no event is sent", () => {
    call("pump");
    expect(sent).toBe(0);
  });
});
