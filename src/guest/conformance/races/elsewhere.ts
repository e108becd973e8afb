// One side of a race that is in another domain than dom0: a program on that domain's vCPU 1, for as long as dom0 races. The domain says
// where the program is, and how it went; dom0 has its head mapped, so that it sees when a call of it begins.

import { Vcpu, sched, systemTime, waitForEvents } from "xenlet";
import { frame_of } from "xenlet/raw/memory";
import { mapFrame, unmapFrame } from "xenlet/raw/toolstack";
import { Race, Side } from "./race";

/** What the domain says: the frame and the offset of its program's head; and at its end how it went. */
const PROGRAM = "program ";
const WENT = "went ";
const WELL = "well";
const HEAD_BYTES: usize = 128;
const PAGE_SIZE: usize = 4096;
/** ns that the domain has to begin, and to say how it went; that it runs longer than dom0 races. */
const SOON: u64 = 20_000_000_000;
const LONGER: u64 = 1_500_000_000;
const LOOKS_EVERY: u64 = 10_000_000;
const NO_PORTS: StaticArray<u32> = [];

/** Runs in the domain: a side whose program's head is in one page. */
export function sideToWatch(): Side {
  let side = new Side();
  while ((side.program.at & (PAGE_SIZE - 1)) + HEAD_BYTES > PAGE_SIZE) side = new Side();
  return side;
}

/** Runs in the domain: its vCPU 1 does what `side` says until dom0 has raced for `ms`. */
export function runWatched(side: Side, ms: u64): void {
  const at = side.program.at;
  const vcpu = Vcpu.start(1);
  vcpu.run(side.program.setRounds(u64.MAX_VALUE));
  console.log(PROGRAM + frame_of(at).toString() + " " + (at & (PAGE_SIZE - 1)).toString());
  /* dom0 begins a little later. */
  const until = systemTime() + ms * 1_000_000 + LONGER;
  while (systemTime() < until) sched.poll(NO_PORTS, until);
  vcpu.stop();
  let wrong = "";
  let told = "";
  for (let i = 0; i < side.steps.length; i++) {
    if (wrong.length == 0) wrong = side.steps[i].wrong();
    told += (i > 0 ? "; " : "") + side.steps[i].describe();
  }
  console.log(WENT + (wrong.length > 0 ? wrong : WELL) + " (" + told + ")");
}

/** In dom0: what is known about such a program. */
export class Elsewhere {
  private frame: u64 = 0;
  private offset: usize = 0;
  private went: string = "";

  /** A line of the domain's console. */
  onLine(line: string): void {
    if (line.startsWith(WENT)) this.went = line.substring(WENT.length);
    if (!line.startsWith(PROGRAM)) return;
    const words = line.substring(PROGRAM.length).split(" ");
    this.frame = U64.parseInt(words[0]);
    this.offset = <usize>U64.parseInt(words[1]);
  }

  /** Races domain `domid`, which has been let go; in the control that has been over before. Complains of how it went. */
  meet(race: Race, domid: u16): void {
    const begins = systemTime() + SOON;
    while (this.frame == 0 && systemTime() < begins) waitForEvents(systemTime() + LOOKS_EVERY);
    if (this.frame == 0) race.wrong("the other domain did not begin");
    else if (!race.inTurns) {
      const page = mapFrame(domid, this.frame);
      race.watchAt(page + this.offset);
      race.run();
      unmapFrame(page);
    }
    const ends = systemTime() + SOON;
    while (this.went.length == 0 && systemTime() < ends) waitForEvents(systemTime() + LOOKS_EVERY);
    if (!this.went.startsWith(WELL))
      race.wrong(this.went.length > 0 ? "the other domain: " + this.went : "the other domain came to no end");
  }
}
