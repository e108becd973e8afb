/** A saved state's files in the cache, and how long a machine that continues from them may take. */

/** All but the machine's memory: QEMU's own file. */
export const STATE = "state";
/** The machine's memory, a byte for each of its own: a restored machine has it mapped, and its own copy of what it changes. */
export const RAM = "ram";
export const BOOT_LOG = "boot.log";

/** What a restored machine may take until its toolstack answers, of CPU and in all: it needs a tenth of a second of both. */
export const RESTORED_WITHIN = { cpuMs: 2_000, ms: 10_000 };
