// What the two event channel ABIs have in common: how a guest sees which ports are pending, and masks them.
// Guests call evtchn (evtchn.ts), which is the same for both.

export abstract class EventAbi {
  /** Port numbers that it has, including 0, which is not a port. */
  abstract get ports(): u32;

  /** Makes room for the state of a port that Xen has just given out. 0, or Xen's negative errno. */
  abstract cover(port: u32): i64;

  /** Whether the event was raised and not cleared since; masked or not. */
  abstract isPending(port: u32): bool;

  abstract isMasked(port: u32): bool;

  /** Clears the pending bit; returns whether it was set. */
  abstract clear(port: u32): bool;

  abstract mask(port: u32): void;

  /** Unmasks the port without Xen, if nothing is pending there; else leaves it masked, and returns false. */
  unmaskIdle(port: u32): bool {
    return false;
  }

  /** Of that word of 32 bits, which bit is the port's pending bit. */
  abstract pendingBit(port: u32): u32;

  /** The address of the word with the port's pending bit, which Xen sets. */
  abstract pendingWord(port: u32): usize;

  /** Xen notifies vCPU `vcpu` of the port from now on: 0, or Xen's negative errno, and then that vCPU gets nothing. */
  abstract route(port: u32, vcpu: u32): i64;

  /** Every port that is not masked. */
  abstract unmaskedPorts(): Array<u32>;

  /** The next unmasked pending port, its pending bit cleared; 0 if there is none. */
  abstract scan(): u32;

  /** As if nothing had ever been bound, after EVTCHNOP_reset: every port masked, none pending. */
  abstract reset(): void;
}
