// Watchdog timers: SCHEDOP_watchdog, domain_watchdog in xen/common/sched/core.c (4.17).

import { checked, sched_op } from "../../raw/hypercall";
import { SCHEDOP_watchdog, sched_watchdog } from "../../raw/abi/sched";
import { ENOSPC } from "../../raw/errno";
import { Part, PartOrder, addPart } from "../reset/part";

/** NR_DOMAIN_WATCHDOG_TIMERS: how many a domain has. */
export const WATCHDOG_TIMERS: u32 = 2;

const argument = changetype<sched_watchdog>(memory.data(offsetof<sched_watchdog>(), 4));

/**
 * The bare operation: `id` 0 allocates a timer and returns its id; another id re-arms that timer, or with
 * `seconds` 0 destroys it, and returns 0. -ENOSPC: both timers are in use; -EINVAL: no such timer.
 *
 * Id 0 with 0 seconds is not an error to Xen: it arms a timer that fires at once, and ends the domain.
 */
export function watchdogOp(id: u32, seconds: u32): i64 {
  knowPart();
  const result = operation(id, seconds);
  const timer = id == 0 ? result : id;
  if (result >= 0 && timer <= <i64>WATCHDOG_TIMERS) secondsOf()[<i32>timer] = seconds;
  return result;
}

function operation(id: u32, seconds: u32): i64 {
  argument.id = id;
  argument.timeout = seconds;
  /* Xen computes -ENOSPC as a uint32_t and returns it as a long: 4294967268 to a 64-bit guest, in every release
   * so far. An int, as which C callers read the result, is right again. */
  return <i64>(<i32>sched_op(SCHEDOP_watchdog, changetype<usize>(argument)));
}

/** By id: what each timer is armed with; 0: it is not. */
/* Made at its first use: asc drops a lazy global's own initializer where only overriding methods use it. */
@lazy let secondsOfMade: StaticArray<u32> | null = null;

function secondsOf(): StaticArray<u32> {
  let made = secondsOfMade;
  if (!made) secondsOfMade = made = new StaticArray<u32>(WATCHDOG_TIMERS + 1);
  return made;
}

/** The timers before a soft reset, which leaves them armed: one that expires after it ends the domain. */
class Watchdogs extends Part {
  /** Whether run() has destroyed them. */
  private destroyed: bool = false;

  constructor() {
    super("watchdogs", PartOrder.WATCHDOGS);
  }

  run(): i64 {
    for (let id: u32 = 1; id <= WATCHDOG_TIMERS; id++) {
      if (secondsOf()[id] == 0) continue;
      const result = operation(id, 0);
      if (result != 0) {
        rearm(id - 1);
        return result;
      }
    }
    this.destroyed = true;
    return 0;
  }

  /** Armed again, with all of their time, and with the ids that they had. */
  undo(): void {
    this.destroyed = false;
    rearm(WATCHDOG_TIMERS);
  }

  attached(): void {
    if (!this.destroyed) return;
    this.destroyed = false;
    secondsOf().fill(0);
    Watchdog.forgetAll();
  }
}

let known = false;

function knowPart(): void {
  if (known) return;
  known = true;
  addPart(new Watchdogs());
}

/** Arms those up to id `last` again. Xen gives out the lowest free id, so one that is not wanted is taken for a moment. */
function rearm(last: u32): void {
  while (last > 0 && secondsOf()[last] == 0) last--;
  for (let id: u32 = 1; id <= last; id++) {
    const wanted = secondsOf()[id] != 0;
    const seconds = wanted ? secondsOf()[id] : LONG;
    const given = checked("SCHEDOP_watchdog(0, " + seconds.toString() + ")", operation(0, seconds));
    assert(given == id, "SCHEDOP_watchdog gave another timer than the lowest free one");
  }
  for (let id: u32 = 1; id <= last; id++) {
    if (secondsOf()[id] == 0) checked("SCHEDOP_watchdog(" + id.toString() + ", 0)", operation(id, 0));
  }
}

/** Seconds: about 136 years, Xen's most. */
const LONG: u32 = u32.MAX_VALUE;

/**
 * A watchdog that cannot be lost: as long as it is armed, the program can reach it by Watchdog.armed(), and
 * stopAll() takes every one back, which soft reset and kexec need (Xen keeps an armed timer across both).
 * When one expires, the domain ends with SHUTDOWN_watchdog.
 */
export class Watchdog {
  private static all: Array<Watchdog> = [];

  private constructor(
    private id: u32,
    private seconds: u32,
  ) {}

  /**
   * Arms a timer of `seconds`, at least 1. Null if the domain's two are in use.
   * Any other refusal of Xen ends the guest.
   */
  static start(seconds: u32): Watchdog | null {
    assert(seconds > 0, "a watchdog of 0 seconds would end the domain at once");
    const id = watchdogOp(0, seconds);
    if (id == -ENOSPC) return null;
    checked("SCHEDOP_watchdog(0, " + seconds.toString() + ")", id);
    const watchdog = new Watchdog(<u32>id, seconds);
    Watchdog.all.push(watchdog);
    return watchdog;
  }

  /** The armed ones: a copy, so that the list used by stopAll() cannot be changed through it. */
  static armed(): Array<Watchdog> {
    return Watchdog.all.slice();
  }

  /** They are destroyed already. */
  static forgetAll(): void {
    for (let i = 0; i < Watchdog.all.length; i++) Watchdog.all[i].id = 0;
    Watchdog.all = [];
  }

  /** Takes back every armed one. */
  static stopAll(): void {
    while (Watchdog.all.length > 0) Watchdog.all[Watchdog.all.length - 1].stop();
  }

  /** Restarts its time. Only while it is armed. */
  poke(): void {
    assert(this.id != 0, "this watchdog was stopped");
    checked("SCHEDOP_watchdog(" + this.id.toString() + ")", watchdogOp(this.id, this.seconds));
  }

  /** Destroys the timer. A second call does nothing: the id may be another watchdog's by then. */
  stop(): void {
    if (this.id == 0) return;
    checked("SCHEDOP_watchdog(" + this.id.toString() + ", 0)", watchdogOp(this.id, 0));
    this.id = 0;
    const at = Watchdog.all.indexOf(this);
    if (at >= 0) Watchdog.all.splice(at, 1);
  }
}
