/**
 * xenlet as a library: build a guest, boot it on Xen, look at what it said.
 * docs/harness.md shows it in somebody's own vitest.
 */
export { UserError, type UserErrorOptions } from "./errors.js";
export { ExitCode } from "./exit-codes.js";
export { createProgress, type Progress } from "./progress.js";
export { buildImage, type BuildOptions, type BuildResult } from "./image/build.js";
export { BuildError } from "./image/build-error.js";
export { readElf, parseElf, type Elf, type Section, type Segment } from "./image/elf/elf.js";
export { ElfError } from "./image/elf/error.js";
export { readNotes, type Note } from "./image/elf/notes.js";
export { validatePvhImage, type PvhImage } from "./image/elf/pvh.js";
export { readSymbols, type ElfSymbol } from "./image/elf/symbols.js";
export { symbolize, symbolizeBacktrace, type Frame } from "./image/symbols.js";
export { bootGuest, type BootOptions, type BootResult } from "./machine/boot.js";
export {
  provideQemu,
  provideXen,
  xenFromPath,
  type Qemu,
  type XenBinary,
  type XenRelease,
} from "./machine/debian/index.js";
export {
  encodeRecord,
  fieldsOf,
  RecordReader,
  type Damage,
  type DamageKind,
  type GuestRecord,
} from "./machine/record.js";
export type { Deadlines, Stage } from "./machine/stages.js";
export type { TrapFrame, TrapReport } from "./machine/trap.js";
export type { Ending } from "./machine/xen-messages.js";
