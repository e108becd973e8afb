/**
 * xenlet as a library: build a guest, boot it on Xen, look at what it said.
 * docs/harness.md shows its use in another project's vitest.
 */
export { UserError, type UserErrorOptions } from "./base/errors.js";
export { ExitCode } from "./base/exit-codes.js";
export { createProgress, type Progress } from "./base/progress.js";
export { buildImage, type BuildOptions, type BuildResult } from "./build/build.js";
export { BuildError } from "./build/build-error.js";
export { readElf, parseElf, type Elf, type Section, type Segment } from "./elf/elf.js";
export { ElfError } from "./elf/error.js";
export { readNotes, type Note } from "./elf/notes.js";
export { validatePvhImage, type PvhImage } from "./elf/pvh.js";
export { readSymbols, type ElfSymbol } from "./elf/symbols.js";
export { symbolize, symbolizeBacktrace, type Frame } from "./elf/symbolize.js";
export type { Expectation } from "./boot/expectation.js";
export { bootGuest, type BootOptions, type BootResult } from "./boot/boot.js";
export {
  provideQemu,
  provideXen,
  xenFromPath,
  type Qemu,
  type XenBinary,
  type XenRelease,
} from "./debian/index.js";
export {
  encodeRecord,
  fieldsOf,
  RecordReader,
  type Damage,
  type DamageKind,
  type GuestRecord,
} from "./protocol/record.js";
export type { Deadlines, Stage } from "./boot/stages.js";
export type { TrapFrame, TrapReport } from "./protocol/trap.js";
export type { Ending } from "./boot/xen-messages.js";
