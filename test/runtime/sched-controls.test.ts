// The negative controls of the scheduler's guest tests: a Xen that answers wrongly, in one way at a time, and the
// tests that must then fail.
// Why: a test that passes on the real Xen may be one that cannot fail. Fails if a test stays green under the
// wrong answer that it is there to find, or if a guest test has no such control; and if the model of Xen that is
// bent here does not itself pass every test.

import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { compileGuest } from "../../src/host/build/asc/compile.js";
import {
  EBUSY,
  EINVAL,
  ENOSPC,
  EPERM,
  ESRCH,
  FakeScheduler,
  GuestHung,
  type Rules,
} from "./fake-scheduler.js";
import { prepareGuest } from "./load.js";

interface Control {
  bent: Partial<Rules>;
  /** What the domain is; `dom0` if it does not say. */
  way?: "dom0" | "domu";
  /** The tests that must fail, as `group › test`; others may. */
  red: string[];
}

const MS = 1_000_000n;
const allBut = (op: number): number[] => [2, 3, 4, 5, 6, 7].filter((other) => other !== op);

const CONTROLS: Record<string, Control[]> = {
  "sched-yield.ts": [
    { bent: { yield: EINVAL }, red: ["yield › is 0, a thousand times"] },
    { bent: { ignoresArgument: [1] }, red: ["yield › does not look at its argument"] },
  ],
  "sched-block.ts": [
    {
      bent: { blockSeesUpcall: false },
      red: ["block › returns 0 at once while an upcall can be delivered"],
    },
    { bent: { block: EINVAL }, red: ["block › sleeps until an event comes, and then returns 0"] },
    {
      bent: { blockSleeps: false },
      red: ["block › is one sleep, not a loop: nothing but the event ends it"],
    },
    {
      bent: { blockClearsMask: false },
      red: ["block › writes evtchn_upcall_mask, set to 1, back to 0, and wakes all the same"],
    },
    { bent: { ignoresArgument: [0] }, red: ["block › does not look at its argument"] },
    {
      bent: { lookBeforeBlock: false },
      red: ["block › is not issued by sched.block() if an upcall came since the last scan"],
    },
  ],
  "sched-poll.ts": [
    {
      bent: { pollSeesPending: false },
      red: ["poll, a port is pending › returns EVENT at once and leaves the bit set"],
    },
    {
      bent: { pollKeepsPending: false },
      red: ["poll, a port is pending › returns EVENT at once and leaves the bit set"],
    },
    { bent: { pollSeesUnmasked: false }, red: ["poll, a port is pending › masked or not"] },
    { bent: { pollLooksAt: 1 }, red: ["poll, a port is pending › the second of two"] },
    { bent: { pollLooksAt: 127 }, red: ["poll, a port is pending › the last of 128"] },
    {
      bent: { pollMaxPorts: 127 },
      red: [
        "poll, a port is pending › the last of 128",
        "poll, an event while it sleeps › on the last of 128 ports: EVENT, without a deadline",
        "poll, the deadline › with 1, 2 and 128 ports, not before it",
      ],
    },
    {
      bent: { pollMaxPorts: 129 },
      red: ["poll, a port is pending › 129 ports are -EINVAL all the same"],
    },
    {
      bent: { pollDelay: -4n * MS },
      red: [
        "poll, the deadline › with no port, not before it",
        "poll, the deadline › with 1, 2 and 128 ports, not before it",
      ],
    },
    { bent: { pollPastDeadline: false }, red: ["poll, the deadline › in the past: at once"] },
    {
      bent: { pollTimerStays: false },
      red: [
        "poll, the deadline › of an earlier poll that an event ended wakes a later one: SPURIOUS",
      ],
    },
    {
      bent: { pollTimerReplaced: false },
      red: ["poll, the deadline › of a later poll replaces an earlier one's"],
    },
    {
      bent: { pollWakesOnPort: false },
      red: ["poll, an event while it sleeps › on its port: EVENT, before the deadline"],
    },
    {
      bent: { pollOneWakesOnAny: true },
      red: [
        "poll, an event while it sleeps › masked and elsewhere does not end a poll of one port",
      ],
    },
    {
      bent: { pollManyWakesOnAny: false },
      red: [
        "poll, an event while it sleeps › masked and elsewhere ends a poll of two ports, and of none: SPURIOUS",
      ],
    },
    {
      bent: { pollWakesOnUpcall: false },
      red: [
        "poll, an event while it sleeps › unmasked and elsewhere ends a poll of one port: SPURIOUS",
      ],
    },
    {
      bent: { pendingIsSilent: false },
      red: ["poll, an event while it sleeps › is none if its port is pending already"],
    },
    {
      bent: { pollUpcallFirst: false },
      red: ["poll, an upcall can be delivered › returns 0 before it looks at any port"],
    },
    {
      bent: { pollHeedsInterruptFlag: false },
      red: ["poll, an upcall can be delivered › with interrupts off only the ports count"],
    },
    {
      bent: { pollNoPort: 0n },
      red: ["poll, an invalid port › before a pending one: -EINVAL"],
    },
    {
      bent: { pollChecksAllPorts: true },
      red: ["poll, an invalid port › after a pending one: not looked at"],
    },
    {
      bent: { pollUnusablePort: 0n },
      red: ["poll, an invalid port › port 0, and one that was closed"],
    },
    {
      bent: { pollUnboundPort: EINVAL },
      red: ["poll, an invalid port › one that waits for its other end is a port"],
    },
    { bent: { faults: allBut(3) }, red: ["poll, bad addresses › of the argument: -EFAULT"] },
    {
      bent: { pollPortsFault: 0n },
      red: [
        "poll, bad addresses › of the ports: -EFAULT, unless there are none to read or too many",
      ],
    },
    {
      bent: { pollReadsNoPorts: false },
      red: [
        "poll, bad addresses › of the ports: -EFAULT, unless there are none to read or too many",
      ],
    },
  ],
  "sched-shutdown.ts": [
    {
      bent: { faults: allBut(2) },
      red: ["shutdown › a bad address is -EFAULT, and the domain lives"],
    },
    {
      bent: { faults: allBut(5) },
      red: ["shutdown_code › a bad address is -EFAULT, and latches nothing"],
    },
  ],
  "sched-watchdog.ts": [
    {
      bent: { watchdogTimers: 3 },
      red: [
        "watchdog › the first is 1, the second 2, a third -ENOSPC",
        "Watchdog › two can be armed, a third is null",
      ],
    },
    {
      bent: { watchdogFirst: 0n },
      red: ["watchdog › the first is 1, the second 2, a third -ENOSPC"],
    },
    {
      bent: { watchdogFull: ENOSPC },
      red: ["watchdog › -ENOSPC comes from Xen as a 32-bit number, which watchdogOp() widens"],
    },
    {
      bent: { watchdogPoked: 1n },
      red: ["watchdog › poked and destroyed: 0; destroyed twice, or poked after that: -EINVAL"],
    },
    {
      bent: { watchdogReusesLowest: false },
      red: ["watchdog › the first is 1, the second 2, a third -ENOSPC"],
    },
    {
      bent: { watchdogUnknown: 0n },
      red: [
        "watchdog › poked and destroyed: 0; destroyed twice, or poked after that: -EINVAL",
        "watchdog › an id that never was one is -EINVAL",
        "Watchdog › stopped twice, it leaves alone who has its id by then",
      ],
    },
    {
      bent: { faults: allBut(6) },
      red: ["watchdog › a bad address is -EFAULT, and arms nothing"],
    },
    {
      bent: { watchdogDestroyStops: false },
      red: ["watchdog › destroyed, it does not fire; poked, it starts anew"],
    },
    {
      bent: { watchdogPokeRestarts: false },
      red: ["watchdog › destroyed, it does not fire; poked, it starts anew"],
    },
    {
      bent: { watchdogDestroyFrees: false },
      red: [
        "watchdog › a destroyed id is given again",
        "Watchdog › nobody holds it, and it is still found and stopped",
        "Watchdog › what armed() returned is the caller's to change: no timer is lost with it",
      ],
    },
  ],
  "sched-remote.ts": [
    {
      bent: { remoteUnknown: EPERM },
      red: ["remote_shutdown › a domain that does not exist is -ESRCH"],
    },
    {
      bent: { remoteSelfIsUnknown: false },
      red: ["remote_shutdown › DOMID_SELF is -ESRCH, and the domain lives"],
    },
    { bent: { faults: allBut(4) }, red: ["remote_shutdown › a bad address is -EFAULT"] },
    {
      bent: { remoteForbidden: ESRCH },
      way: "domu",
      red: ["remote_shutdown › from a domU, dom0 is -EPERM, and so is itself"],
    },
    { bent: { pin: EPERM }, red: ["pin_override › pins, and takes the pin back"] },
    { bent: { unpin: EINVAL }, red: ["pin_override › pins, and takes the pin back"] },
    {
      bent: { pinned: 0n },
      red: ["pin_override › pinned already is -EBUSY, to the same CPU too"],
    },
    { bent: { unpinUnpinned: 0n }, red: ["pin_override › nothing to take back is -EINVAL"] },
    {
      bent: { unpinByAnyNegative: false },
      red: ["pin_override › every negative number takes the pin back"],
    },
    {
      bent: { pinOffline: EBUSY },
      red: ["pin_override › a CPU that is not online, or none, is -EINVAL"],
    },
    { bent: { faults: allBut(7) }, red: ["pin_override › a bad address is -EFAULT"] },
    {
      bent: { pinForbidden: EINVAL },
      way: "domu",
      red: ["pin_override › from a domU it is -EPERM, before the argument is read"],
    },
    {
      bent: { pinForbiddenUnread: false },
      way: "domu",
      red: ["pin_override › from a domU it is -EPERM, before the argument is read"],
    },
  ],
  "sched-raw.ts": [
    {
      bent: { unknownCommand: EINVAL },
      red: ["sched_op › an unknown command is -ENOSYS, whatever its argument"],
    },
    {
      bent: { commandBits: 64 },
      red: ["sched_op › the command is an int: Xen looks at 32 bits of it"],
    },
    {
      bent: { watchdogUnknown: 0n },
      red: [
        "sched_op › an argument in static memory, on the heap, in an object, in an array or in a shared frame is read",
      ],
    },
    {
      bent: { anyAlignment: false },
      red: ["sched_op › an argument at any alignment, and up to the last byte of memory, is read"],
    },
    {
      bent: { wholeAddress: false },
      red: [
        "sched_op › an argument that ends behind memory, at null, beyond memory or outside the address space is -EFAULT",
      ],
    },
    {
      bent: { compat: 0n },
      red: ["sched_op_compat › the legacy hypercall is -ENOSYS for each of its three commands"],
    },
  ],
};

interface Outcome {
  green: string[];
  red: string[];
  skipped: string[];
}

/** Runs a guest; a test that it did not get to the end of has failed. */
function run(start: Awaited<ReturnType<typeof prepareGuest>>, control: Control): Outcome {
  const xen = new FakeScheduler(control.bent, control.way);
  try {
    start(xen);
  } catch (error) {
    if (!(error instanceof GuestHung)) throw error;
  }
  const outcome: Outcome = { green: [], red: [], skipped: [] };
  let group = "";
  let running: string | null = null;
  for (const { kind, text } of xen.records) {
    if (kind !== "test") continue;
    const name = /text=(.*)$/.exec(text)?.[1] ?? "";
    switch (/event=(\w+)/.exec(text)?.[1]) {
      case "group":
        group = name;
        break;
      case "start":
        running = `${group} › ${name}`;
        break;
      case "skip":
        outcome.skipped.push(`${group} › ${name}`);
        break;
      case "done":
        (text.includes(" failures=0 ") ? outcome.green : outcome.red).push(running ?? "");
        running = null;
        break;
      default: // the assertions, and the end
    }
  }
  if (running !== null) outcome.red.push(running);
  return outcome;
}

const entry = (file: string): string => `test/guest/${file}`;

test("every guest test of the scheduler has a control, and every control a test", async () => {
  const files = readdirSync("test/guest").filter((file) => /^sched-.*\.ts$/.test(file));
  expect(Object.keys(CONTROLS).sort()).toEqual(files.sort());
  for (const file of files) {
    const { tests } = await compileGuest({ entry: entry(file) });
    const names = tests
      .filter(({ kind }) => kind === "test")
      .map(({ name, group }) => `${(group === null ? null : tests[group])?.name ?? ""} › ${name}`);
    const controlled = new Set(CONTROLS[file]?.flatMap(({ red }) => red));
    expect([...controlled].sort(), file).toEqual(names.sort());
  }
});

describe.each(Object.entries(CONTROLS))("%s", (file, controls) => {
  const started = prepareGuest(entry(file));

  test.each(["dom0", "domu"] as const)("an honest Xen is green, as %s", async (way) => {
    const { red, green } = run(await started, { bent: {}, way, red: [] });
    expect(red).toEqual([]);
    expect(green).not.toEqual([]);
  });

  test.each(
    controls.map((control): [string, Control] => [
      Object.entries(control.bent)
        .map(([rule, value]) => `${rule}: ${String(value)}`)
        .join(),
      control,
    ]),
  )("%s is red", async (_name, control) => {
    expect(run(await started, control).red).toEqual(expect.arrayContaining(control.red));
  });
});
