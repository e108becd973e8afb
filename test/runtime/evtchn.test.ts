// Both event channel ABIs: what scan() finds, when Xen raises events at the worst moments.
// Why: a guest and Xen change the same words at the same time; taken in the wrong order an event is lost, and only
// once in a great while. The FIFO ABI's other side here is a model of xen/common/event_fifo.c that raises events
// between any two steps of the guest's. Fails if an event is lost, comes twice, or comes out of order.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import { random } from "../fixtures/random.js";
import { FakeEvents } from "./fake-events.js";
import { prepareGuest, type LoadedGuest } from "./load.js";

let start: Awaited<ReturnType<typeof prepareGuest>>;
let xen: FakeEvents;
let call: LoadedGuest["call"];

beforeAll(async () => {
  start = await prepareGuest("test/runtime/guest/evtchn.ts");
});

beforeEach(() => {
  xen = new FakeEvents();
  call = start(xen).call;
});

function unmask(...ports: number[]): void {
  for (const port of ports) call["unmask"]?.(port);
}

/** All that scan() finds, until it says that there is no more. */
function scanAll(): number[] {
  const found: number[] = [];
  for (;;) {
    const port = Number(call["scan"]?.());
    if (port === 0) return found;
    found.push(port);
  }
}

describe("2-level", () => {
  test("each port in its turn: one that is always pending does not hold up the others", () => {
    unmask(3, 5, 70);
    const found: number[] = [];
    for (const port of [3, 5, 70]) xen.raise(port);
    for (let i = 0; i < 6; i++) {
      found.push(Number(call["scan"]?.()));
      xen.raise(3);
    }
    expect(found.slice(0, 3)).toEqual([3, 5, 70]);
    expect(scanAll()).toContain(3);
  });

  test("a bit below the one just found, in the same word, is found in the same scan", () => {
    unmask(3, 60, 63, 64);
    xen.raise(63);
    expect(call["scan"]?.()).toBe(63);
    for (const port of [3, 60, 64]) xen.raise(port);
    expect(scanAll().sort((a, b) => a - b)).toEqual([3, 60, 64]);
  });

  test("whatever the order of raising and scanning, nothing is lost and nothing comes twice", () => {
    const below = random(7);
    const ports = Array.from({ length: 60 }, (_, i) => 1 + ((i * 977) % 4095));
    unmask(...ports);
    const pending = new Set<number>();
    for (let step = 0; step < 5000; step++) {
      const port = ports[below(ports.length)] ?? 1;
      if (below(100) < 55) {
        xen.raise(port);
        pending.add(port);
      } else {
        const found = Number(call["scan"]?.());
        expect(found === 0 ? pending.size === 0 : pending.delete(found)).toBe(true);
      }
    }
    expect(new Set(scanAll())).toEqual(pending);
  });

  test("a port starts out masked, also one that was closed unmasked", () => {
    const port = Number(call["bindIpi"]?.());
    expect(call["isMasked"]?.(port)).toBe(1);
    unmask(port);
    expect(call["isMasked"]?.(port)).toBe(0);
    call["close"]?.(port);
    expect(call["isMasked"]?.(port)).toBe(1);
  });

  test("what is bound here and idle is unmasked without Xen; what is not known to be in use is not", () => {
    const port = Number(call["bindIpi"]?.());
    const byXen = (of: number): boolean => {
      xen.calls.length = 0;
      unmask(of);
      return xen.calls.includes("event_channel_op(9)");
    };
    expect(byXen(port)).toBe(false);
    expect(byXen(port + 1)).toBe(true);
    call["close"]?.(port);
    expect(byXen(port)).toBe(true);
    call["bindIpi"]?.();
    call["reset"]?.();
    expect(byXen(port + 1)).toBe(true);
  });

  test.each(["before", "beforeUnmasking", "afterUnmasking", "after"] as const)(
    "an event that comes %s it is unmasked raises its upcall, and is found once",
    (when) => {
      const port = Number(call["bindIpi"]?.());
      scanAll();
      if (when === "before") xen.raise(port);
      if (when === "beforeUnmasking" || when === "afterUnmasking")
        xen.hooks[when] = () => {
          xen.hooks = {};
          xen.raise(port);
        };
      unmask(port);
      if (when === "after") xen.raise(port);
      expect(xen.upcallSeen).toBe(1);
      expect(scanAll()).toEqual([port]);
    },
  );

  test("has no priorities", () => {
    expect(call["setPriority"]?.(1, 3)).toBe(-38n);
  });
});

describe("FIFO", () => {
  beforeEach(() => {
    expect(call["useFifo"]?.()).toBe(0n);
  });

  test("in the order in which they were raised, each once", () => {
    unmask(9, 3, 700, 5);
    for (const port of [9, 3, 700, 5, 3]) xen.raise(port);
    expect(scanAll()).toEqual([9, 3, 700, 5]);
    expect(scanAll()).toEqual([]);
  });

  test("by priority first, also when the higher one comes while a lower queue is being consumed", () => {
    unmask(1, 2, 3, 4);
    call["setPriority"]?.(3, 15);
    call["setPriority"]?.(4, 0);
    for (const port of [3, 1, 2]) xen.raise(port);
    expect(call["scan"]?.()).toBe(1);
    xen.raise(4);
    expect(scanAll()).toEqual([4, 2, 3]);
  });

  test("a masked port is passed over, and comes after its unmasking", () => {
    unmask(1, 2, 3);
    for (const port of [1, 2, 3]) xen.raise(port);
    call["mask"]?.(2);
    expect(scanAll()).toEqual([1, 3]);
    expect(call["isPending"]?.(2)).toBe(1);
    unmask(2);
    expect(scanAll()).toEqual([2]);
  });

  test("a port whose pending bit is gone is passed over", () => {
    unmask(1, 2);
    xen.raise(1);
    xen.raise(2);
    expect(call["clear"]?.(1)).toBe(1);
    expect(call["clear"]?.(1)).toBe(0);
    expect(scanAll()).toEqual([2]);
  });

  test("an event appended to the tail while that is being taken off is not lost", () => {
    unmask(1, 2, 3);
    xen.raise(1);
    let late = [2, 3];
    xen.hooks.compareExchange = () => {
      const port = late.shift();
      if (port !== undefined) xen.raise(port);
    };
    expect(scanAll()).toEqual([1, 2, 3]);
    late = [];
  });

  test.each(["compareExchange", "takeReady"] as const)(
    "raised at any %s, nothing is lost and nothing comes twice",
    (point) => {
      const below = random(11);
      const ports = Array.from({ length: 40 }, (_, i) => 1 + i * 90);
      unmask(...ports);
      for (const port of ports) call["setPriority"]?.(port, port % 16);
      const raised = new Map<number, number>();
      const found = new Map<number, number>();
      const add = (map: Map<number, number>, port: number): void => {
        map.set(port, (map.get(port) ?? 0) + 1);
      };
      const raise = (): void => {
        const port = ports[below(ports.length)] ?? 1;
        if (!call["isPending"]?.(port)) add(raised, port);
        xen.raise(port);
      };
      let left = 3000;
      xen.hooks[point] = () => {
        if (left-- > 0 && below(10) < 7) raise();
      };
      for (let step = 0; step < 3000; step++) {
        if (below(10) < 3) raise();
        const port = Number(call["scan"]?.());
        if (port !== 0) add(found, port);
      }
      left = 0;
      for (const port of scanAll()) add(found, port);
      expect(found).toEqual(raised);
      expect([...raised.values()].reduce((a, b) => a + b)).toBeGreaterThan(2000);
    },
  );

  test("ports beyond the event array get a word before they are handed out", () => {
    let port = 4095;
    xen.on("event_channel_op", 7, (_cmd, arg = 0n) => {
      xen.store32(Number(arg) + 4, ++port);
      return 0n;
    });
    expect(call["bindIpi"]?.()).toBe(4096n);
    unmask(4096);
    xen.raise(4096);
    expect(scanAll()).toEqual([4096]);
    expect(xen.fifo?.pages).toHaveLength(5);
  });

  test("an event array that Xen will not have costs the port, not the guest", () => {
    xen.on("event_channel_op", 7, (_cmd, arg = 0n) => {
      xen.store32(Number(arg) + 4, 5000);
      return 0n;
    });
    xen.on("event_channel_op", 12, () => -12n);
    xen.calls.length = 0;
    expect(call["bindIpi"]?.()).toBe(-12n);
    expect(xen.calls.at(-1)).toBe("event_channel_op(3)");
  });

  test("twice is -EINVAL, and changes nothing", () => {
    unmask(7);
    xen.raise(7);
    expect(call["useFifo"]?.()).toBe(-22n);
    expect(scanAll()).toEqual([7]);
  });

  test("reset goes back to 2-level, everything masked; FIFO can be had again", () => {
    unmask(7, 8);
    xen.raise(7);
    expect(call["reset"]?.()).toBe(0n);
    expect(call["isFifo"]?.()).toBe(0);
    expect(scanAll()).toEqual([]);
    expect(call["isMasked"]?.(7)).toBe(1);
    unmask(8);
    xen.raise(8);
    expect(scanAll()).toEqual([8]);
    expect(call["useFifo"]?.()).toBe(0n);
    unmask(9);
    xen.raise(9);
    expect(scanAll()).toEqual([9]);
  });
});

describe("from 2-level to FIFO", () => {
  test("masks and pending events come along", () => {
    unmask(5, 6);
    for (const port of [6, 7]) xen.raise(port);
    expect(call["useFifo"]?.()).toBe(0n);
    expect([5, 6, 7].map((port) => call["isMasked"]?.(port))).toEqual([0, 0, 1]);
    expect(scanAll()).toEqual([6]);
    unmask(7);
    expect(scanAll()).toEqual([7]);
  });
});

describe("status", () => {
  test("reads each kind's fields from the union", () => {
    xen.on("event_channel_op", 5, (_cmd, arg = 0n) => {
      const at = Number(arg);
      if (xen.load32(at + 4) === 9) return -22n;
      xen.store32(at + 8, 2);
      xen.store32(at + 12, 1);
      xen.store32(at + 16, 0xdead0003);
      xen.store32(at + 20, 17);
      return 0n;
    });
    const fields = [0, 1, 2, 3, 4].map((field) => call["statusField"]?.(4, field));
    expect(fields).toEqual([2n, 1n, 3n, 17n, 0xdead0003n]);
    expect(call["statusField"]?.(9, 0)).toBe(-22n);
  });
});
