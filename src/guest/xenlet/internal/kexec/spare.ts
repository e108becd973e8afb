// RAM that neither linear memory nor a shared frame has taken yet: what has to outlive this kernel is put there
// before anything is given up. It is taken from the end of that gap downwards (boot/memory.c).

import { spare_end, spare_set_end } from "../intrinsics";
import { PhysicalBytes } from "../memory/physical";

const PAGE_SIZE: u64 = 4096;
const FOUR_GIB: u64 = 1 << 32;

export class Spare {
  private readonly before: u64 = spare_end();
  private after: u64 = this.before;

  /** `avoid`: what will be written before the next kernel has read what is taken here. */
  constructor(private avoid: Array<PhysicalBytes>) {}

  /** `size` bytes, whole pages, below 4 GiB and clear of what is to be avoided. Null if there is no room. */
  take(size: u64): PhysicalBytes | null {
    let end = min(spare_end(), FOUR_GIB) & ~(PAGE_SIZE - 1);
    const pages = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    while (end > pages) {
      const room = new PhysicalBytes(end - pages, pages);
      const hit = this.firstHit(room);
      if (hit) {
        end = hit.paddr & ~(PAGE_SIZE - 1);
        continue;
      }
      if (!spare_set_end(room.paddr)) return null;
      this.after = room.paddr;
      return room;
    }
    return null;
  }

  private firstHit(room: PhysicalBytes): PhysicalBytes | null {
    for (let i = 0; i < this.avoid.length; i++) {
      if (room.overlaps(this.avoid[i])) return this.avoid[i];
    }
    return null;
  }

  /** Returns everything, unless more has been allocated since: then it is lost to this kernel. */
  release(): void {
    if (spare_end() == this.after) spare_set_end(this.before);
    this.after = this.before;
  }
}
