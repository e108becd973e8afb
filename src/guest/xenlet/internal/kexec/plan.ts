// A jump, decided and laid out: which bytes go where, and everything that has to be in memory by then.
//
//   image's file ──copy──▶ its segments (where the ELF says; this kernel's own memory, most likely)
//   spare RAM:   page of boot/kexec.S | start_info block | what would be overwritten before it is read
//
// The list is short and its order does not matter: a source that lies in some segment's way is copied out of it
// here, while there is still a kernel to say that it does not fit. Nothing that this one uses is touched.

import { kexec_place, kexec_room, physical_read, physical_write } from "../intrinsics";
import { PhysicalBytes } from "../memory/physical";
import { recordNonce, wayToRun } from "../start/run";
import { PvhElf, Segment } from "./elf";
import { MemoryMap, MemoryMapEntry } from "./memory-map";
import { Refusal, hex, range } from "./refusal";
import { Handed, RUN_BLOCK_SIZE_OFFSET, SEQUENCE_OFFSET, nextRunBlock } from "./run-block";
import { Spare } from "./spare";
import { StartInfoBlock } from "./start-info-block";

/** As many as boot/start_info.c takes. */
const MAX_MODULES = 8;
/** Bytes without the NUL: what boot/start_info.c and Linux (COMMAND_LINE_SIZE) keep. */
const MAX_CMDLINE = 2047;
const PAGE_SIZE: u64 = 4096;
const FOUR_GIB: u64 = 1 << 32;
/** u32 of a struct kexec_copy in boot/kexec.h. */
const COPY_WORDS = 4;

@lazy const chunk: usize = memory.data(4096, 8);

/** What goes with an image. */
export class KexecOptions {
  /** The next kernel's command line, as it is. */
  cmdline: string = "";
  /** Its arguments, from argv[1] on. Null: this kernel's, if it was given any; else the words of `cmdline`. */
  arguments: Array<string> | null = null;
  /** What it finds beside it, in this order. */
  modules: Array<PhysicalBytes> = [];
  /**
   * Whether its records continue where this kernel's end. An image without room for a run block gets this on its command
   * line, by `nonce=`, `on=` and `seq=` in front: false for a kernel that minds words that it does not know.
   */
  records: bool = true;
  /** Leave the stages of its boot out of its records. */
  quiet: bool = false;
  /** More that the next kernel's memory map has, where this one's has no entry. */
  moreMemory: Array<MemoryMapEntry> = [];
}

export class Plan {
  /** Physical addresses. */
  page: u32 = 0;
  startInfo: u32 = 0;
  sequenceDigits: u64 = 0;
  readonly elf: PvhElf;
  private copies: Array<u32> = [];
  protected spare: Spare = new Spare([]);
  protected readonly map: MemoryMap = MemoryMap.read();

  constructor(
    private image: PhysicalBytes,
    private options: KexecOptions,
  ) {
    this.elf = new PvhElf(image);
  }

  /** Checks everything, then lays it out. Null; or what is wrong, and then nothing is taken. */
  make(): Refusal | null {
    let refusal = this.check();
    if (refusal) return refusal;
    refusal = this.layOut();
    if (refusal) this.spare.release();
    return refusal;
  }

  /** Gives its RAM back. */
  release(): void {
    this.spare.release();
  }

  /** The segment that will be written where `bytes` are; null if none is. */
  segmentOver(bytes: PhysicalBytes): Segment | null {
    const targets = this.elf.targets;
    for (let i = 0; i < targets.length; i++) {
      if (targets[i].overlaps(bytes)) return targets[i];
    }
    return null;
  }

  private check(): Refusal | null {
    if (!this.map.hasRam(this.image))
      return new Refusal(
        "the image's address",
        this.image.paddr,
        "it is not all in RAM, " + range(this.image.paddr, this.image.end),
      );
    let refusal = this.elf.read();
    if (!refusal) refusal = this.elf.takeRunBlock();
    if (refusal) return refusal;
    const targets = this.elf.targets;
    for (let i = 0; i < targets.length; i++) {
      const refusal = this.checkSegment(targets[i]);
      if (refusal) return refusal;
    }
    return this.checkOptions();
  }

  protected checkSegment(segment: Segment): Refusal | null {
    if (segment.end > FOUR_GIB)
      return new Refusal(
        "p_paddr of segment " + segment.index.toString(),
        segment.paddr,
        "with p_memsz " + hex(segment.size) + " it ends beyond 4 GiB, out of reach for the jump",
      );
    if (this.map.hasRam(segment)) return null;
    return new Refusal(
      "p_paddr of segment " + segment.index.toString(),
      segment.paddr,
      "there is not RAM for all of " + range(segment.paddr, segment.end),
    );
  }

  private checkOptions(): Refusal | null {
    const cmdline = this.options.cmdline;
    const length = String.UTF8.byteLength(cmdline);
    if (length > MAX_CMDLINE)
      return new Refusal(
        "the command line's length",
        length,
        "at most " + MAX_CMDLINE.toString() + " bytes are kept",
      );
    const nul = cmdline.indexOf("\0");
    if (nul >= 0) return new Refusal("the command line's NUL", nul, "the rest behind it would be lost");
    const modules = this.options.modules;
    if (modules.length > MAX_MODULES)
      return new Refusal("the number of modules", modules.length, "at most " + MAX_MODULES.toString());
    for (let i = 0; i < modules.length; i++) {
      if (!this.map.hasRam(modules[i]))
        return new Refusal(
          "the address of module " + i.toString(),
          modules[i].paddr,
          "it is not all in RAM, " + range(modules[i].paddr, modules[i].end),
        );
    }
    return null;
  }

  private layOut(): Refusal | null {
    const segments = this.elf.segments;
    this.spare = new Spare(this.avoided);

    const page = this.spare.take(PAGE_SIZE);
    if (!page) return noRoom("the page of the jump", PAGE_SIZE);
    const refusal = this.prepareCopies();
    if (refusal) return refusal;
    for (let i = 0; i < segments.length; i++) {
      const pieces = this.uncovered(i);
      for (let j = 0; j < pieces.length; j++) {
        if (!this.loadPiece(segments[i], pieces[j]))
          return noRoom("a copy of " + segments[i].name, segments[i].fileBytes);
      }
    }
    const modules: Array<PhysicalBytes> = [];
    for (let i = 0; i < this.options.modules.length; i++) {
      const module = this.options.modules[i];
      const place = this.outOfTheWay(module);
      if (!place) return noRoom("a copy of module " + i.toString(), module.size);
      modules.push(new PhysicalBytes(place.paddr, module.size));
    }
    const refused = this.handOn();
    if (refused) return refused;
    const onLine = this.handsOnRecords && !this.elf.runBlock;
    const block = new StartInfoBlock(this.words, onLine, this.options.cmdline, modules, this.nextMap);
    const room = this.spare.take(block.size);
    if (!room) return noRoom("start_info", block.size);
    block.write(room.paddr);

    this.page = <u32>page.paddr;
    this.startInfo = <u32>room.paddr;
    if (block.sequenceOffset != 0) this.sequenceDigits = room.paddr + block.sequenceOffset;
    return this.place();
  }

  /** What is left of a segment once later ones are loaded over it: the jump copies in an unspecified order. */
  private uncovered(index: i32): Array<PhysicalBytes> {
    const segments = this.elf.segments;
    let left: Array<PhysicalBytes> = [segments[index]];
    for (let i = index + 1; i < segments.length; i++) {
      const over = segments[i];
      const rest: Array<PhysicalBytes> = [];
      for (let j = 0; j < left.length; j++) {
        const piece = left[j];
        if (!piece.overlaps(over)) {
          rest.push(piece);
          continue;
        }
        if (piece.paddr < over.paddr) rest.push(new PhysicalBytes(piece.paddr, over.paddr - piece.paddr));
        if (over.end < piece.end) rest.push(new PhysicalBytes(over.end, piece.end - over.end));
      }
      left = rest;
    }
    return left;
  }

  /** Has the jump copy and clear this piece of a segment. False: there is no room for what it is copied from. */
  private loadPiece(segment: Segment, piece: PhysicalBytes): bool {
    const skipped = piece.paddr - segment.paddr;
    const bytes = skipped < segment.fileBytes ? min(segment.fileBytes - skipped, piece.size) : 0;
    const from = this.outOfTheWay(new PhysicalBytes(this.image.paddr + segment.offset + skipped, bytes));
    if (!from) return false;
    this.copy(<u32>piece.paddr, <u32>from.paddr, <u32>bytes, <u32>(piece.size - bytes));
    return true;
  }

  /** Ranges that will be written before the next kernel has read its start_info. */
  protected get avoided(): Array<PhysicalBytes> {
    const avoid: Array<PhysicalBytes> = [];
    const targets = this.elf.targets;
    for (let i = 0; i < targets.length; i++) avoid.push(targets[i]);
    return avoid;
  }

  /** The memory map that the next kernel gets. */
  protected get nextMap(): MemoryMap {
    return new MemoryMap(this.options.moreMemory.concat(this.map.entries));
  }

  /** Copies that come before the image's own. */
  protected prepareCopies(): Refusal | null {
    return null;
  }

  /** Whether the jump, or the next kernel, can read these bytes where they are. */
  protected stays(bytes: PhysicalBytes): bool {
    return bytes.end <= FOUR_GIB && !this.segmentOver(bytes);
  }

  /** These bytes, or a copy of them in spare RAM. Null: no room for it. */
  private outOfTheWay(bytes: PhysicalBytes): PhysicalBytes | null {
    if (bytes.size == 0 || this.stays(bytes)) return bytes;
    const room = this.spare.take(bytes.size);
    if (room) copyPhysical(room.paddr, bytes.paddr, bytes.size);
    return room;
  }

  protected copy(to: u32, from: u32, bytes: u32, zeroes: u32): void {
    this.copies.push(to);
    this.copies.push(from);
    this.copies.push(bytes);
    this.copies.push(zeroes);
  }

  private place(): Refusal | null {
    const count = this.copies.length / COPY_WORDS;
    if (count > <i32>kexec_room())
      return new Refusal(
        "the number of copies",
        count,
        "the page of the jump lists " + kexec_room().toString(),
      );
    kexec_place(this.page, <u32>this.elf.entry, this.startInfo, this.copies.dataStart, count);
    return null;
  }

  /** The next kernel's run block, and its size where the image has that: copies behind the segments'. */
  private handOn(): Refusal | null {
    const target = this.elf.runBlock;
    if (!target) return null;
    const handed = new Handed();
    handed.records = this.handsOnRecords;
    handed.quiet = this.options.quiet;
    handed.arguments = this.options.arguments;
    handed.crashInfo = this.crashInfo;
    const block = nextRunBlock(handed);
    if (<u64>block.length > target.size)
      return new Refusal(
        "the run block's size",
        block.length,
        "the image has room for " + target.size.toString(),
      );
    const staged = this.spare.take(<u64>block.length + sizeof<u32>());
    if (!staged) return noRoom("the run block", block.length);
    const size = staged.paddr;
    const at = size + sizeof<u32>();
    physical_write(size, changetype<usize>(block) + RUN_BLOCK_SIZE_OFFSET, sizeof<u32>());
    physical_write(at, changetype<usize>(block), block.length);
    this.copy(<u32>target.paddr, <u32>at, block.length, 0);
    this.copy(<u32>this.elf.runBlockSize, <u32>size, sizeof<u32>(), 0);
    if (handed.records) this.sequenceDigits = at + SEQUENCE_OFFSET;
    return null;
  }

  /** For an image without a place for a run block: in front of its command line. */
  private get words(): string {
    if (this.elf.runBlock) return "";
    let words = "";
    if (this.handsOnRecords) {
      words = "nonce=" + recordNonce();
      if (wayToRun().length > 0) words += " on=" + wayToRun();
    }
    if (this.crashInfo == 0) return words;
    return words + (words.length > 0 ? " " : "") + "crash=" + hex(this.crashInfo);
  }

  /** What a crash kernel finds there: crash_plan.ts. */
  protected get crashInfo(): u64 {
    return 0;
  }

  /** Whether the next kernel continues this one's records. */
  private get handsOnRecords(): bool {
    return this.options.records && recordNonce().length > 0;
  }
}

export function noRoom(what: string, size: u64): Refusal {
  return new Refusal("the size of " + what, size, "there is no spare RAM for it, clear of the segments");
}

function copyPhysical(to: u64, from: u64, size: u64): void {
  for (let done: u64 = 0; done < size; done += PAGE_SIZE) {
    const part = <u32>min(size - done, PAGE_SIZE);
    physical_read(chunk, from + done, part);
    physical_write(to + done, chunk, part);
  }
}
