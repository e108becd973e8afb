// The parts of the runtime that have state in Xen, or in memory that Xen or another domain writes. A module makes
// its part known when it is first used, so a guest without soft reset or kexec has none of this, and one with them
// has it only for what it uses: nothing but soft_reset.ts calls a part's methods.
//
//   run(), undo()   before a soft reset: prepare what it does not clean, and undo that
//   detached()      the reset was made: no shared_info and no events until attached()
//   attached()      shared_info is mapped again, if it was in use: drop what Xen has dropped, and start again (in reverse order)

import { Step } from "./preparation";

/** When a part's turn comes: what still needs events, time or memory to become quiet goes first. */
export const enum PartOrder {
  XENSTORE = 10,
  GRANTS = 20,
  CONSOLE = 30,
  VCPUS = 40,
  TIMERS = 50,
  AREAS = 60,
  WATCHDOGS = 70,
  EVENTS = 80,
}

export abstract class Part extends Step {
  /** Set before run(): another kernel comes after the reset, to which this one's memory is free RAM. */
  jump: bool = false;
  /** Set before detached(): the domain is another one, with the same memory, and what a reset leaves is lost too. */
  renewed: bool = false;

  constructor(
    name: string,
    readonly order: PartOrder,
  ) {
    super(name);
  }

  run(): i64 {
    return 0;
  }

  /** Neither shared_info nor an event channel may be touched from here on. Not called after a failure. */
  detached(): void {}

  /** Called by attach() after a soft reset, prepared or not. */
  attached(): void {}
}

/* Made at its first use: asc drops a lazy global's own initializer where only overriding methods use it. */
@lazy let parts: Array<Part> | null = null;

/** In their order. */
export function knownParts(): Array<Part> {
  let made = parts;
  if (!made) parts = made = [];
  return made;
}

/** Makes a part known; each once. */
export function addPart(part: Part): void {
  const known = knownParts();
  let at = known.length;
  while (at > 0 && known[at - 1].order > part.order) at--;
  known.push(part);
  for (let i = known.length - 1; i > at; i--) known[i] = known[i - 1];
  known[at] = part;
}
