// Why an image, or something that goes with it, cannot be taken: the field, its value, and what would do.

export class Refusal {
  constructor(
    /** As its specification calls it: `e_machine`, `p_paddr of segment 2`, `cmdline`. */
    readonly field: string,
    readonly value: u64,
    /** The rest of the sentence: "expected …", or what it collides with. */
    readonly reason: string,
  ) {}

  toString(): string {
    return this.field + " is " + hex(this.value) + ": " + this.reason;
  }
}

/** `0x1f`. */
export function hex(value: u64): string {
  return "0x" + value.toString(16);
}

/** `0x100000..0x180000`, its end not included. */
export function range(begin: u64, end: u64): string {
  return hex(begin) + ".." + hex(end);
}
