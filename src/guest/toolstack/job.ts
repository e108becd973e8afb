// What the toolstack is to do, and with what: an item of QEMU's fw_cfg. The writer is src/host/boot/job.ts, and has the
// layout.
//
// A machine whose state is being saved for later has an item without a job in it. The toolstack waits for one, asleep in
// Xen, and so finds it in a machine that was restored from there: that one was given another item.

import { run_begins } from "xenlet/internal/intrinsics";
import { ByteSource } from "xenlet/internal/memory/physical";
import { sched } from "xenlet/internal/sched/sched";
import { wordValue } from "xenlet/internal/start/start-info";
import { systemTime } from "xenlet/internal/time/time";
import { FwCfgItem } from "./fw-cfg";

const NAME = "opt/xenlet/job";
/* "xenlet\0\2", as a little-endian number. */
const MAGIC: u64 = 0x020074656c6e6578;
const HEADER: u32 = 4096;
const COUNTS: usize = 8;
const WALL_CLOCK: usize = 16;
const FILES: usize = 64;
const MAX_FILES: u32 = 9;
const WORDS: usize = 256;

/** ns from one look to the next: few enough to be nothing of a boot, and each costs the machine some 10 us. */
const BETWEEN_LOOKS: u64 = 5_000_000;

const header: usize = memory.data(<i32>HEADER, 8);

/** A file that came with the job; it stays where it is, and is read from there. */
class JobFile extends ByteSource {
  constructor(
    private item: FwCfgItem,
    private offset: u64,
    size: u64,
  ) {
    super(size);
  }

  read(offset: u64, to: usize, size: u32): void {
    this.item.read(this.offset + offset, to, size);
  }
}

/** What this toolstack is to do. */
export class Job {
  readonly files: Array<ByteSource> = [];

  private constructor(
    readonly words: string,
    /** When it was written: ns since 1970-01-01 UTC. */
    readonly written: u64,
    /** It was not there at once: the machine may have been restored from a saved state meanwhile. */
    readonly waited: bool,
  ) {}

  /** Ends the toolstack if what is in the item does not fit together. */
  static read(item: FwCfgItem, waited: bool): Job {
    item.read(0, header, HEADER);
    const words = load<u32>(header, COUNTS);
    const files = load<u32>(header, COUNTS + 4);
    if (words > HEADER - <u32>WORDS || files > MAX_FILES) throw new Error("the toolstack's job is damaged");
    const job = new Job(
      String.UTF8.decodeUnsafe(header + WORDS, words),
      load<u64>(header, WALL_CLOCK),
      waited,
    );
    for (let i: u32 = 0; i < files; i++) {
      const offset = load<u64>(header + i * 16, FILES);
      const size = load<u64>(header + i * 16, FILES + 8);
      if (offset > item.size || size > item.size - offset) throw new Error("the toolstack's job is cut off");
      job.files.push(new JobFile(item, offset, size));
    }
    return job;
  }

  /** The value of the word `key=value`; `otherwise` if it is not there. */
  value(key: string, otherwise: string = ""): string {
    return wordValue(this.words, key, otherwise);
  }

  /** The file that a domain is created from. Ends the toolstack if there is none. */
  get image(): ByteSource {
    if (this.files.length < 1) throw new Error("the toolstack was given no image to make a domain of");
    return this.files[0];
  }
}

function findItem(): FwCfgItem {
  const item = FwCfgItem.find(NAME);
  if (!item)
    throw new Error("the machine has no fw_cfg item " + NAME + ", by which a toolstack gets its job");
  return item;
}

/** Waits until there is one. From then on records are signed with its nonce, and counted from 0. Ends the toolstack where none can come. */
export function takeJob(): Job {
  let item = findItem();
  let waited = false;
  while (item.u64(0) != MAGIC) {
    waited = true;
    sched.poll([], systemTime() + BETWEEN_LOOKS);
    item = findItem();
  }
  const job = Job.read(item, waited);
  const nonce = String.UTF8.encode(job.value("nonce"));
  run_begins(changetype<usize>(nonce), nonce.byteLength);
  return job;
}
