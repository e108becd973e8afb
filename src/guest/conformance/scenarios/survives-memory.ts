// What a domain's memory keeps: everything, but the one page where shared_info was. That is what makes the whole of
// it work: the next kernel lies in RAM already when the reset is asked for, and so does everything that the jump needs.
//
// The guest fills its spare RAM with a pattern that says where each word is, and reads it back. Of every other page, the
// guest's code, its page tables, start_info, the rings and the ACPI tables included, dom0 takes a sum before the reset
// and after it, while the domain stands still. A page that the domain gave back to Xen before stays away: a reset is no
// reason for a balloon to burst.
//
// The control: dom0 changes one bit in each of the two in between, and the guest keeps what it should have given back.

import { describeResult } from "xenlet";
import {
  frame_of,
  load64,
  load8,
  physical_read,
  physical_write,
  shared_alloc,
  spare_begin,
  spare_end,
  store8,
} from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import {
  ACPI_BASE,
  ACPI_PAGES,
  mapFrame,
  PAGE_SIZE,
  SPECIAL_GFN,
  SPECIAL_PAGES,
  throughWindow,
  unmapFrame,
} from "xenlet/raw/toolstack";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { giveBackPage } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

/** Left to the guest's own heap, which may grow while the pattern is there. */
const HEAP_ROOM: u64 = 0x80000;
const PATTERN_FROM = "pattern from ";
const PATTERN_TO = "pattern to ";
const SHARED_INFO_AT = "shared_info at ";

const page: usize = memory.data(4096, 8);

/** What the pattern has at physical `paddr`. */
@inline function patternAt(paddr: u64): u64 {
  return paddr * 0x9e3779b97f4a7c15;
}

function fill(from: u64, to: u64): void {
  for (let paddr = from; paddr < to; paddr += PAGE_SIZE) {
    for (let i: u32 = 0; i < PAGE_SIZE; i += 8) store<u64>(page + i, patternAt(paddr + i));
    physical_write(paddr, page, PAGE_SIZE);
  }
}

/** How many words of it are not as they were. */
function countWrong(from: u64, to: u64): u64 {
  let wrong: u64 = 0;
  for (let paddr = from; paddr < to; paddr += PAGE_SIZE) {
    physical_read(page, paddr, PAGE_SIZE);
    for (let i: u32 = 0; i < PAGE_SIZE; i += 8) if (load<u64>(page + i) != patternAt(paddr + i)) wrong++;
  }
  return wrong;
}

/** A number for each page, by its contents. */
class PageSums {
  frames: Array<u64> = [];
  sums: Array<u64> = [];

  take(domid: u16, from: u64, size: u64): void {
    throughWindow(domid, from, size, this, (sums: PageSums, at: usize, paddr: u64, bytes: u32) => {
      for (let done: u32 = 0; done < bytes; done += PAGE_SIZE) {
        let sum: u64 = 0;
        for (let i: u32 = 0; i < PAGE_SIZE; i += 8)
          sum = (sum ^ load64(at + done + i)) * 0x100000001b3 + (sum >> 29);
        sums.frames.push((paddr + done) >> 12);
        sums.sums.push(sum);
      }
    });
  }

  /** Of all that the domain has, but its RAM from physical `from` to `to`. */
  static around(domid: u16, from: u64, to: u64): PageSums {
    const sums = new PageSums();
    sums.take(domid, 0, from);
    sums.take(domid, to, ((<u64>SURVIVES_MEMORY.memoryMiB) << 20) - to);
    sums.take(domid, SPECIAL_GFN << 12, (<u64>SPECIAL_PAGES) << 12);
    sums.take(domid, ACPI_BASE, (<u64>ACPI_PAGES) << 12);
    return sums;
  }

  /** Frames whose contents differ. */
  differing(from: PageSums): Array<u64> {
    const frames: Array<u64> = [];
    for (let i = 0; i < this.sums.length; i++) if (this.sums[i] != from.sums[i]) frames.push(this.frames[i]);
    return frames;
  }
}

const SURVIVES_MEMORY = scenario({ name: "survives-memory", area: "What survives", memoryMiB: 12 });
const MEMORY = SURVIVES_MEMORY.check({
  name: "survives/memory",
  title: "Every word of spare memory keeps its contents",
  notUnderXl: SEEN_FROM_DOM0,
});
const EVERY_OTHER_PAGE = SURVIVES_MEMORY.check({
  name: "survives/every-other-page",
  title: "As seen from dom0, every page but shared_info's keeps its contents",
  notUnderXl: SEEN_FROM_DOM0,
});

const SURVIVES_ALL_OVER = scenario({
  name: "survives-all-over",
  area: "What survives",
  memoryMiB: 256,
  costMs: 4000,
});
const ALL_OVER = SURVIVES_ALL_OVER.check({
  name: "survives/memory-all-over",
  title: "A word in each page of 256 MiB keeps its value",
  notUnderXl: SEEN_FROM_DOM0,
});

/** Where the word is that is looked at, in the page at `paddr`. */
@inline function wordIn(paddr: u64): u64 {
  return paddr + ((paddr >> 12) % 512) * 8;
}

export class SurvivesMemory extends Scenario {
  private from: u64 = 0;
  private to: u64 = 0;
  private sharedInfoFrame: u64 = 0;

  constructor() {
    super(SURVIVES_MEMORY);
  }

  guest(side: GuestSide): void {
    const from = ((spare_begin() + 4095) & ~4095) + HEAP_ROOM;
    const to = spare_end() & ~4095;
    fill(from, to);
    console.log(PATTERN_FROM + from.toString());
    console.log(PATTERN_TO + to.toString());
    console.log(SHARED_INFO_AT + frame_of(sharedInfo()).toString());

    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    const wrong = countWrong(from, to);
    side.attach();
    side.check(
      MEMORY,
      wrong == 0 && to - from > 6 << 20,
      "words of " + ((to - from) >> 10).toString() + " KiB that changed: " + wrong.toString(),
    );
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line.startsWith(PATTERN_FROM)) this.from = U64.parseInt(line.substring(PATTERN_FROM.length));
    else if (line.startsWith(PATTERN_TO)) this.to = U64.parseInt(line.substring(PATTERN_TO.length));
    else if (line.startsWith(SHARED_INFO_AT))
      this.sharedInfoFrame = U64.parseInt(line.substring(SHARED_INFO_AT.length));
  }

  /** One bit, in the last byte of the page. */
  private spoil(domid: u16, frame: u64): void {
    const at = mapFrame(domid, frame) + PAGE_SIZE - 1;
    store8(at, load8(at) ^ 1);
    unmapFrame(at - (PAGE_SIZE - 1));
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    const before = PageSums.around(domain.id, this.from, this.to);
    if (side.resetPaused() != 0) return false;
    if (side.control) {
      this.spoil(domain.id, (this.from + (this.to - this.from) / 2) >> 12);
      this.spoil(domain.id, ACPI_BASE >> 12);
    }
    const differing = PageSums.around(domain.id, this.from, this.to).differing(before);
    const others: Array<string> = [];
    for (let i = 0; i < differing.length; i++)
      if (differing[i] != this.sharedInfoFrame) others.push("0x" + differing[i].toString(16));
    side.check(
      EVERY_OTHER_PAGE,
      others.length == 0 && this.sharedInfoFrame != 0,
      "of " +
        before.sums.length.toString() +
        " pages, shared_info's apart, changed: " +
        (others.length == 0 ? "none" : others.join(", ")),
    );
    side.goOn();
    return true;
  }
}

const SURVIVES_BALLOON = scenario({ name: "survives-balloon", area: "What survives" });
const BALLOON = SURVIVES_BALLOON.check({
  name: "survives/balloon",
  title: "A page that the domain gave back to Xen is not returned by the reset",
  notUnderXl: SEEN_FROM_DOM0,
});

/** Memory that is large enough for anything that depends on an address: one word of each page, at another place in each. */
export class SurvivesAllOver extends Scenario {
  private to: u64 = 0;

  constructor() {
    super(SURVIVES_ALL_OVER);
  }

  guest(side: GuestSide): void {
    const from = ((spare_begin() + 4095) & ~4095) + HEAP_ROOM;
    const to = spare_end() & ~4095;
    console.log(PATTERN_TO + to.toString());
    for (let paddr = from; paddr < to; paddr += PAGE_SIZE) {
      const at = wordIn(paddr);
      store<u64>(page, patternAt(at));
      physical_write(at, page, 8);
    }
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    let wrong: u64 = 0;
    for (let paddr = from; paddr < to; paddr += PAGE_SIZE) {
      const at = wordIn(paddr);
      physical_read(page, at, 8);
      if (load<u64>(page) != patternAt(at)) wrong++;
    }
    side.attach();
    side.check(
      ALL_OVER,
      wrong == 0 && to - from > 240 << 20,
      "of the words, one in each page of " +
        ((to - from) >> 20).toString() +
        " MiB, so many changed: " +
        wrong.toString(),
    );
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line.startsWith(PATTERN_TO)) this.to = U64.parseInt(line.substring(PATTERN_TO.length));
  }

  onSoftReset(side: ToolstackSide): bool {
    if (side.resetPaused() != 0) return false;
    const domain = side.guest.domain;
    if (side.control) {
      const frame = (this.to >> 12) - 1;
      const at = mapFrame(domain.id, frame);
      const word = at + <usize>(wordIn(frame << 12) % PAGE_SIZE);
      store8(word, load8(word) ^ 1);
      unmapFrame(at);
    }
    side.goOn();
    return true;
  }
}

/** A page that the domain has given back. */
export class SurvivesBalloon extends Scenario {
  private pages: u64 = 0;

  constructor() {
    super(SURVIVES_BALLOON);
  }

  guest(side: GuestSide): void {
    const page = shared_alloc(1);
    if (!side.control && giveBackPage(page) != 1) throw new Error("XENMEM_decrease_reservation refused");
    side.reset();
  }

  toolstack(side: ToolstackSide): void {
    side.createPaused();
    this.pages = side.guest.domain.info().totPages;
    side.guest.domain.unpause();
    side.serve();
  }

  onSoftReset(side: ToolstackSide): bool {
    const result = side.resetPaused();
    /* shared_info covers one in the control. */
    const pages = side.guest.domain.info().totPages + u64(side.control);
    side.same(BALLOON, "the domain's pages, one less than it was made with", pages, this.pages - 1);
    side.goOn();
    return result == 0;
  }
}
