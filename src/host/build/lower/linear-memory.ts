// Linear memory as it is at first: what of it the loader puts in place, and what is copied when the module starts.

import { BuildError } from "../build-error.js";
import type { DataSegment, WasmModule } from "./decode/module.js";

/**
 * What is at address 0. `trap`: nothing, so that a null dereference faults; `allow`: memory, as Wasm has it.
 */
export type NullPage = "trap" | "allow";

const PAGE_SIZE = 4096;
const WASM_PAGE_SIZE = 65_536;
/** The image may have so many bytes of zeroes between data segments, or as many as there is data. */
const MOST_GAPS = 1 << 20;

export interface LinearMemory {
  /** From page 1 on where page 0 is absent. */
  image: Uint8Array;
  /** The assembly file that brings it into the image, and the zeroes behind it, which take no room in the file. */
  assembly: string;
  /** Segments that lie too far behind the others to be in the image. */
  copied: Set<DataSegment>;
}

type Placed = DataSegment & { offset: number };

function checked(module: WasmModule, start: number, size: number): Placed[] {
  return module.data.filter((segment): segment is Placed => {
    const { offset, bytes } = segment;
    if (offset === null) return false;
    const end = offset + bytes.length;
    if (end > size)
      throw new BuildError(`the module's data reaches ${end}, beyond its memory of ${size} bytes`);
    if (bytes.length > 0 && offset < start)
      throw new BuildError(
        `the module has data at address ${offset}, in page 0, which is absent in this build`,
        { hint: "--null-page allow" },
      );
    return bytes.length > 0;
  });
}

/** `binary` is where the image's bytes will be. */
export function linearMemory(module: WasmModule, nullPage: NullPage, binary: string): LinearMemory {
  const size = (module.memory?.minimum ?? 0) * WASM_PAGE_SIZE;
  const start = nullPage === "trap" && size > 0 ? PAGE_SIZE : 0;
  const placed = checked(module, start, size);
  const bytes = placed.reduce((sum, segment) => sum + segment.bytes.length, 0);
  let end = start;
  let gaps = 0;
  const copied = new Set<DataSegment>();
  for (const segment of placed.toSorted((a, b) => a.offset - b.offset)) {
    const gap = Math.max(0, segment.offset - Math.max(end, start));
    if (copied.size > 0 || gaps + gap > Math.max(MOST_GAPS, bytes)) copied.add(segment);
    else {
      gaps += gap;
      end = Math.max(end, segment.offset + segment.bytes.length);
    }
  }
  const image = new Uint8Array(end - start);
  for (const segment of placed)
    if (!copied.has(segment)) image.set(segment.bytes, segment.offset - start);
  const assembly = [
    '.section .linear, "aw", @progbits',
    `.incbin "${binary}"`,
    '.section .linear.zero, "aw", @nobits',
    `.skip ${Math.max(0, size - end)}`,
    '.section .note.GNU-stack, "", @progbits',
    "",
  ].join("\n");
  return { image, assembly, copied };
}
