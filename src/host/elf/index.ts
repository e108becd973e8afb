export { ElfError } from "./error.js";
export { parseElf, readElf, type Elf, type Section, type Segment } from "./elf.js";
export { readNotes, type Note } from "./notes.js";
export { readSymbols, type ElfSymbol } from "./symbols.js";
export { validatePvhImage, type PvhImage } from "./pvh.js";
export { inspectElf, inspectImage, type Inspection } from "./inspect.js";
export { formatInspection } from "./format.js";
