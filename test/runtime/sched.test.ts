// The typed scheduler calls over every answer that Xen may give, and the two races that lose a wake-up.
// Why: Xen says 0 for an event, a deadline and a spurious wake alike, so the runtime must look; and on PVH an
// event that arrives between the look and the sleep must not be slept through. Fails if a cause is mistaken for
// another, if a poll's argument is laid out wrongly, or if the pending words are read before the upcall flag.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import { FakeXen } from "./fake-xen.js";
import { prepareGuest, type LoadedGuest } from "./load.js";

const PORT = 70; // in the second word of the bit map
const SPURIOUS = 0n;
const EVENT = 1n;
const DEADLINE = 2n;
const EINVAL = -22n;

let start: Awaited<ReturnType<typeof prepareGuest>>;
let guest: LoadedGuest;
let xen: FakeXen;

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/probe.ts");
});

beforeEach(() => {
  guest = start();
  xen = guest.xen;
  xen.setTime({ stamp: 0n, base: 1000n, mul: 0x80000000, shift: 1 }); // one tick, one ns
  xen.tsc = 0n;
});

describe("sched.poll", () => {
  test("tells an event from a deadline and from neither", () => {
    xen.on("sched_op", 3, () => 0n);
    expect(guest.call["poll_"]?.(PORT, 5000n)).toBe(SPURIOUS);

    xen.on("sched_op", 3, () => {
      xen.tsc = 4000n;
      return 0n;
    });
    expect(guest.call["poll_"]?.(PORT, 5000n)).toBe(DEADLINE);

    xen.on("sched_op", 3, () => {
      xen.raise(PORT);
      return 0n;
    });
    expect(guest.call["poll_"]?.(PORT, 5000n)).toBe(EVENT);
  });

  test("an event that came together with the deadline counts as an event", () => {
    xen.on("sched_op", 3, () => {
      xen.tsc = 10_000n;
      xen.raise(PORT);
      return 0n;
    });
    expect(guest.call["poll_"]?.(PORT, 5000n)).toBe(EVENT);
  });

  test("hands Xen the ports, their number and the deadline where sched.h has them", () => {
    let seen: unknown;
    xen.on("sched_op", 3, (_cmd, arg = 0n) => {
      const at = Number(arg);
      seen = {
        port: xen.load32(Number(xen.load64(at))),
        count: xen.load32(at + 8),
        timeout: xen.load64(at + 16),
      };
      return 0n;
    });
    guest.call["poll_"]?.(PORT, 0x1_2345_6789n);
    expect(seen).toEqual({ port: PORT, count: 1, timeout: 0x1_2345_6789n });
  });

  test("passes Xen's error through, and asks Xen even for more ports than it takes", () => {
    xen.on("sched_op", 3, (_cmd, arg = 0n) => (xen.load32(Number(arg) + 8) > 128 ? EINVAL : 0n));
    expect(guest.call["pollMany"]?.(129)).toBe(EINVAL);
    expect(guest.call["pollMany"]?.(128)).toBe(SPURIOUS);
  });
});

describe("sched.block", () => {
  test("does not sleep when an upcall came since the last scan", () => {
    guest.call["unmask"]?.(PORT);
    guest.call["scan"]?.();
    xen.raise(PORT);
    xen.calls.length = 0;
    expect(guest.call["block_"]?.()).toBe(0n);
    expect(xen.calls).not.toContain("sched_op(1)");
  });

  test("sleeps when none came", () => {
    xen.on("sched_op", 1, () => 0n);
    guest.call["scan"]?.();
    xen.calls.length = 0;
    guest.call["block_"]?.();
    expect(xen.calls).toContain("sched_op(1)");
  });
});

describe("evtchn.scan", () => {
  test("finds every unmasked pending port once, and no masked one", () => {
    for (const port of [3, PORT, 4000]) guest.call["unmask"]?.(port);
    for (const port of [5, 4000, PORT, 3]) xen.raise(port);
    expect([0, 0, 0, 0].map(() => guest.call["scan"]?.())).toEqual([3, PORT, 4000, 0]);
  });

  test("an event that arrives after the words were read still keeps block from sleeping", () => {
    guest.call["unmask"]?.(PORT);
    expect(guest.call["scan"]?.()).toBe(0);
    xen.raise(PORT);
    guest.call["block_"]?.();
    expect(guest.call["scan"]?.()).toBe(PORT);
  });

  test("a word that a scan left half read is read on by the next one", () => {
    for (const port of [3, 4]) guest.call["unmask"]?.(port);
    xen.raise(3);
    xen.raise(4);
    expect(guest.call["scan"]?.()).toBe(3);
    // Xen sets the selector only for a port that was not pending: nothing says that 4 is still waiting.
    expect(guest.call["scan"]?.()).toBe(4);
  });
});
