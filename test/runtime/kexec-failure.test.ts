// Every hypercall that a jump makes on its way, refused: one after the other, with five errnos each, as a recorded
// good run made them, so that a new one is covered without a word here. And then every hypercall of the way back.
// Why: behind the soft reset there is no way back, and before it there must always be one. Fails if a refusal leaves
// anything changed, if the guest does not continue, if it jumps half prepared, or if it ends without saying why.

import { beforeAll, describe, expect, test } from "vitest";

import { buildElf, validImage } from "../fixtures/elf-builder.js";
import { FakeMachine, Jumped } from "./fake-machine.js";
import { GuestEnded } from "./fake-xen.js";
import { prepareGuest, type LoadedGuest } from "./load.js";

/** -EPERM, -ENOMEM, -EFAULT, -EINVAL, -ENOSYS. */
const ERRNOS = [-1n, -12n, -14n, -22n, -38n];
const SHUTDOWN_crash = 3;
const GTF_reading = 8;
const MIB = 1 << 20;

let start: (xen: FakeMachine) => LoadedGuest;

beforeAll(async () => {
  const prepared = await prepareGuest("test/runtime/guest/kexec.ts");
  start = (machine) => prepared(machine);
});

interface Trial {
  xen: FakeMachine;
  guest: LoadedGuest;
  before: unknown;
  /** `name(cmd)` of each hypercall of the jump. */
  calls: string[];
  outcome:
    { type: "jumped" } | { type: "refused"; errno: bigint } | { type: "ended"; reason: number };
}

/** Jumps with everything in use; `inject` is asked about the hypercalls from kexec.exec() on, counted from 0. */
function attempt(inject: (call: string, index: number) => bigint | null, reset = true): Trial {
  const xen = new FakeMachine();
  xen.addModule(buildElf(validImage()), 31 * MIB);
  xen.spareEnd = 31 * MIB;
  const guest = start(xen);
  guest.call["useEverything"]?.();
  guest.call["load"]?.(0, 1, 0);
  xen.records.length = 0;
  const before = snapshot(xen, guest);
  const first = xen.index;
  const calls: string[] = [];
  xen.inject = (call, index) => {
    calls.push(call);
    return inject(call, index - first);
  };
  const outcome = ((): Trial["outcome"] => {
    try {
      return { type: "refused", errno: BigInt(guest.call["exec"]?.(reset ? 1 : 0) ?? 0) };
    } catch (end) {
      if (end instanceof Jumped) return { type: "jumped" };
      if (end instanceof GuestEnded) return { type: "ended", reason: end.reason };
      throw end;
    }
  })();
  xen.inject = () => null;
  return { xen, guest, before, calls, outcome };
}

function snapshot(xen: FakeMachine, guest: LoadedGuest): unknown {
  const entry = xen.grantEntry(Number(guest.call["grantRef_"]?.()));
  const grant = xen.grantTable === 0 ? null : [xen.load32(entry), xen.load32(entry + 4)];
  return { ...(xen.state as object), grant };
}

/** The guest is as it was, and continues: time, events, and in the end the jump. */
function expectGoesOn({ xen, guest, before }: Trial): void {
  expect(snapshot(xen, guest)).toEqual(before);
  expect(xen.resets).toBe(0);
  expect(guest.call["now"]?.()).toBeGreaterThan(0n);
  xen.raise(Number(guest.call["port_"]?.()));
  expect(guest.call["scan"]?.()).toBe(guest.call["port_"]?.());
  expect(() => guest.call["exec"]?.(1)).toThrow(Jumped);
}

/** Nothing is left that could hurt the next kernel. */
function expectPrepared({ xen }: Trial): void {
  expect(xen.state).toMatchObject({
    watchdogs: [null, null],
    deadline: null,
    period: null,
    up: [[1, false]],
    runstateAreas: [],
    grantTable: 0,
    interrupts: false,
    masks: Array.from({ length: 64 }, () => 2n ** 64n - 1n),
  });
}

function said(xen: FakeMachine): string {
  return xen.records.find(({ kind }) => kind === "abort")?.text ?? "";
}

const at = (index: number, errno: bigint) => (_: string, i: number) => (i === index ? errno : null);

test("a grant that another domain has mapped: it would write into the next kernel, so there is no jump", () => {
  const { xen, guest } = attempt((call) => (call === "vcpu_op(2)" ? -22n : null));
  const ref = Number(guest.call["grantRef_"]?.());
  const entry = xen.grantEntry(ref);
  xen.store32(entry, xen.load32(entry) | GTF_reading);
  const before = snapshot(xen, guest);
  expect(guest.call["exec"]?.(1)).toBe(-16n);
  guest.call["why"]?.();
  expect(xen.records.at(-1)?.text).toBe(`grants: -EBUSY (mapped by others: ${String(ref)})`);
  expect(snapshot(xen, guest)).toEqual(before);
});

describe.each([
  ["with the soft reset", true],
  ["with the reset left out", false],
])("%s", (_, reset) => {
  test("the good run jumps, everything in order, and makes more than a handful of hypercalls", () => {
    const trial = attempt(() => null, reset);
    expect(trial.outcome).toEqual({ type: "jumped" });
    expectPrepared(trial);
    expect(trial.xen.resets).toBe(reset ? 1 : 0);
    expect(new Set(trial.calls).size).toBeGreaterThan(7);
    expect(trial.calls.at(-1)).toBe(reset ? "sched_op(2)" : "sched_op(6)");
  });

  test("each hypercall refused with each errno: undone and told, or the end with a message; never a jump unprepared", () => {
    const { calls } = attempt(() => null, reset);
    let refusals = 0;
    for (const [index, call] of calls.entries()) {
      for (const errno of ERRNOS) {
        const trial = attempt(at(index, errno), reset);
        const where = `${call}, number ${String(index)}, ${String(errno)}`;
        switch (trial.outcome.type) {
          case "refused":
            refusals++;
            expect(trial.outcome.errno, where).toBe(errno);
            trial.guest.call["why"]?.();
            expect(trial.xen.records.at(-1)?.text, where).not.toBe("");
            expectGoesOn(trial);
            break;
          case "ended":
            expect(trial.outcome.reason, where).toBe(SHUTDOWN_crash);
            expect(said(trial.xen), where).toMatch(/ = -E[A-Z]+/);
            expect(trial.xen.resets, where).toBe(0);
            break;
          case "jumped":
            // Only where the answer does not matter.
            expect(call, where).toBe("sched_op(0)");
            expectPrepared(trial);
        }
      }
    }
    // What can be undone is: nothing ends the guest but a way back that is refused too.
    expect(refusals).toBe(calls.filter((call) => call !== "sched_op(0)").length * ERRNOS.length);
  });

  test("the way back refused as well: the end, and it is said what failed", () => {
    const { calls } = attempt(() => null, reset);
    let ends = 0;
    for (const [index] of calls.entries()) {
      const failing = attempt(at(index, -22n), reset);
      for (let later = index + 1; later < failing.calls.length; later++) {
        const trial = attempt((_, i) => (i === index ? -22n : i === later ? -12n : null), reset);
        const where = `${String(failing.calls[index])}, then ${String(failing.calls[later])}`;
        if (trial.outcome.type === "ended") {
          ends++;
          expect(trial.outcome.reason, where).toBe(SHUTDOWN_crash);
          expect(said(trial.xen), where).toMatch(/-ENOMEM|another timer/);
        } else {
          expect(failing.calls[later], where).toBe("sched_op(0)");
        }
        expect(trial.xen.resets, where).toBe(0);
      }
    }
    expect(ends).toBeGreaterThan(15);
  });
});
