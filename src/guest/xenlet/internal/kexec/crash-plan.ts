// A jump laid out long before it is made, for a guest that may be in any state by then: everything lies in spare RAM.
//
//   RAM below `memory`   ──copy──▶ spare RAM: the crash kernel gets this much to run in, and whatever the dead guest
//                                  had there is kept
//   the image, staged    ──copy──▶ its segments, below `memory`
//
// The crash kernel's memory map has no more RAM than that, so it leaves the rest of the dead guest alone.

import { physical_write } from "../intrinsics";
import { PhysicalBytes } from "../memory/physical";
import { CRASH_MAGIC, CRASH_MAX_SAVED, crash_info, crash_saved } from "./crash-info";
import { Segment } from "./elf";
import { MemoryMap } from "./memory-map";
import { KexecOptions, Plan, noRoom } from "./plan";
import { Refusal, hex } from "./refusal";

const PAGE_SIZE: u64 = 4096;

export class CrashPlan extends Plan {
  /** Physical address of struct crash_info. */
  info: u64 = 0;

  constructor(
    image: PhysicalBytes,
    options: KexecOptions,
    /** Bytes from physical 0 on that it gets. */
    private memory: u64,
  ) {
    super(image, options);
  }

  protected checkSegment(segment: Segment): Refusal | null {
    if (segment.end <= this.memory) return super.checkSegment(segment);
    return new Refusal(
      "p_paddr of segment " + segment.index.toString(),
      segment.paddr,
      "it ends at " +
        hex(segment.end) +
        ", beyond the " +
        hex(this.memory) +
        " bytes that the crash kernel gets",
    );
  }

  protected get avoided(): Array<PhysicalBytes> {
    return [new PhysicalBytes(0, this.memory)];
  }

  protected get nextMap(): MemoryMap {
    return this.map.below(this.memory);
  }

  /** The file may be anywhere in the dead guest's memory: it is copied while that is known to be whole. */
  protected stays(bytes: PhysicalBytes): bool {
    return false;
  }

  protected get crashInfo(): u64 {
    return this.info;
  }

  /** Room for what is in the crash kernel's way, and the page that says so. */
  protected prepareCopies(): Refusal | null {
    const info = this.spare.take(PAGE_SIZE);
    if (!info) return noRoom("struct crash_info", PAGE_SIZE);
    this.info = info.paddr;
    const pieces = this.map.ramBelow(this.memory);
    if (<u64>pieces.length > CRASH_MAX_SAVED)
      return new Refusal(
        "the pieces of RAM below " + hex(this.memory),
        pieces.length,
        "at most " + CRASH_MAX_SAVED.toString(),
      );
    const header = offsetof<crash_info>();
    const size = header + <usize>pieces.length * offsetof<crash_saved>();
    const page = changetype<usize>(new StaticArray<u8>(<i32>size));
    changetype<crash_info>(page).magic = CRASH_MAGIC;
    changetype<crash_info>(page).saved_count = pieces.length;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i];
      const room = this.spare.take(piece.size);
      if (!room) return noRoom("what the crash kernel runs in", piece.size);
      this.copy(<u32>room.paddr, <u32>piece.paddr, <u32>piece.size, 0);
      const saved = changetype<crash_saved>(page + header + <usize>i * offsetof<crash_saved>());
      saved.begin = piece.paddr;
      saved.size = piece.size;
      saved.now_at = room.paddr;
    }
    physical_write(this.info, page, <u32>size);
    return null;
  }
}
