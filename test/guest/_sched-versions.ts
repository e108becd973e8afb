// Where Xen's releases differ in the scheduler's interface: the one table, read by guest tests (AssemblyScript),
// by the tests that boot them and by docs/scheduler.md's (both on Node). Hence only what both languages have.

/** A behaviour that begins with a release. */
export class Since {
  constructor(
    readonly operation: string,
    readonly major: number,
    readonly minor: number,
    /** From that release on. */
    readonly now: string,
    readonly before: string,
    /** The change, as Xen's history has it. */
    readonly change: string,
  ) {}

  /** Whether that release, `4.17` as (4, 17), behaves the new way. */
  holds(major: number, minor: number): boolean {
    return major > this.major || (major == this.major && minor >= this.minor);
  }
}

export const POLL_REFUSES_UNUSABLE_PORTS = new Since(
  "SCHEDOP_poll",
  4,
  15,
  "a port that is free, reserved (0) or used by Xen itself is -EINVAL",
  "such a port counts as not pending; only a port beyond those allocated is -EINVAL",
  "d4bfa0c78f",
);

export const SOFT_RESET = new Since(
  "SCHEDOP_shutdown",
  4,
  7,
  "SHUTDOWN_soft_reset (5) is known",
  "5 is an unknown reason",
  "40a57f232e",
);

export const PIN_OVERRIDE = new Since(
  "SCHEDOP_pin_override",
  4,
  7,
  "part of the interface",
  "-ENOSYS",
  "8fa0fca9f3",
);

export const WATCHDOG_LINE_NAMES_TIMER = new Since(
  "SCHEDOP_watchdog",
  4,
  21,
  "Xen prints `Watchdog timer 0 fired for d0` for the watchdog with number 1",
  "Xen prints `Watchdog timer fired for domain 0`",
  "9a474fccec",
);

export const DIFFERENCES: Since[] = [
  SOFT_RESET,
  PIN_OVERRIDE,
  POLL_REFUSES_UNUSABLE_PORTS,
  WATCHDOG_LINE_NAMES_TIMER,
];
