// A pair of dom0's: what two of its vCPUs do to one domain at once. Soft reset runs with every vCPU of its domain paused, so it
// races with what others do to that domain. The domain stands still meanwhile: dom0 shuts it down itself (SCHEDOP_remote_shutdown)
// and resets it, over and over.
//
// Before and after, the domain runs. It says where shared_info is and stops; when it continues, reset a last time without having
// asked, it sets itself up again, and checks whether all of it can be used again.

import { SHUTDOWN_soft_reset, SCHEDOP_remote_shutdown, sched_remote_shutdown } from "xenlet/raw/abi/sched";
import { XEN_DOMCTL_soft_reset } from "xenlet/raw/abi/domctl";
import { XENMAPSPACE_shared_info, XENMEM_add_to_physmap, xen_add_to_physmap } from "xenlet/raw/abi/memory";
import { describeResult } from "xenlet/raw/errno";
import { frame_of } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { freePages } from "xenlet/raw/toolstack";
import { GuestSide } from "../guest-side";
import { ToolstackSide } from "../toolstack-side";
import { printsDiffer } from "./aftermath";
import { PORT_LIMIT, Pair, RACE_WITHIN, raceMs } from "./pair";
import { Race, RaceStep, Side } from "./race";

/** What the domain says before it stops: the frame where shared_info is mapped, and what else prepare() returned. */
const READY = "ready ";
/** Nowhere. */
const NO_FRAME: u64 = u64.MAX_VALUE;

/** SCHEDOP_remote_shutdown of `domid`: a domain that has shut down already stays as it is, and the answer is 0 as well. */
export function remoteShutdown(side: Side, domid: u16, reason: u32): RaceStep {
  const argument = side.argument(<u32>offsetof<sched_remote_shutdown>());
  changetype<sched_remote_shutdown>(argument).domain_id = domid;
  changetype<sched_remote_shutdown>(argument).reason = reason;
  return side
    .sched("SCHEDOP_remote_shutdown(" + reason.toString() + ")", SCHEDOP_remote_shutdown, argument)
    .works();
}

export function softReset(side: Side, domid: u16): RaceStep {
  return side.domctl("XEN_DOMCTL_soft_reset", XEN_DOMCTL_soft_reset, domid).works();
}

export abstract class ResetPair extends Pair {
  /** Where shared_info was when the domain stopped. */
  protected frame: u64 = 0;
  /** What prepare() returned. */
  protected prepared: u64 = 0;
  private race: Race | null = null;
  private wrong: string = "";

  /** Runs in the domain, before the race: a number for dom0. */
  prepare(): u64 {
    return 0;
  }

  /** Runs in dom0: what its two vCPUs do to `domid`. */
  abstract meet(race: Race, domid: u16): void;

  /** Runs in dom0 before meet(): what else there is to be. */
  protected begin(side: ToolstackSide): void {}

  protected run(race: Race): void {
    race.run();
  }

  /** Dom0's part is all that there is of the race. */
  build(race: Race): void {}

  /** shared_info to where it was, the domain shut down, and its reset: what a reset has to undo is there each time. */
  protected resets(side: Side, domid: u16): RaceStep {
    const add = side.argument(<u32>offsetof<xen_add_to_physmap>());
    changetype<xen_add_to_physmap>(add).domid = domid;
    changetype<xen_add_to_physmap>(add).space = XENMAPSPACE_shared_info;
    changetype<xen_add_to_physmap>(add).gpfn = this.frame;
    side.memory("XENMEM_add_to_physmap of shared_info", XENMEM_add_to_physmap, add).works();
    remoteShutdown(side, domid, SHUTDOWN_soft_reset);
    return softReset(side, domid);
  }

  guest(side: GuestSide): void {
    console.log(READY + frame_of(sharedInfo()).toString() + " " + this.prepare().toString());
    side.stop();
    side.attach();
    const judge = new Race(side.control, 0);
    this.whole(judge);
    judge.portsAreFree(PORT_LIMIT);
    this.tell("passed", judge.fault());
  }

  onLine(side: ToolstackSide, line: string): void {
    super.onLine(side, line);
    if (!line.startsWith(READY)) return;
    const words = line.substring(READY.length).split(" ");
    this.frame = U64.parseInt(words[0]);
    this.prepared = U64.parseInt(words[1]);
  }

  /** The domain has stopped, and said where it is. */
  private raceNow(side: ToolstackSide): void {
    const domain = side.guest.domain;
    /* Xen wants the toolstack to hold it, too; and it is not to be shut down for another reason. */
    domain.pause();
    domain.resume();
    this.resetOnce(side);
    const pages = domain.info().totPages;
    const race = new Race(side.control, U64.parseInt(raceMs()));
    this.begin(side);
    this.meet(race, domain.id);
    this.run(race);
    this.resetOnce(side);
    const info = domain.info();
    if (info.totPages != pages)
      race.wrong("the domain has " + info.totPages.toString() + " pages, and had " + pages.toString());
    if (info.sharedInfoFrame != NO_FRAME) race.wrong("shared_info is mapped after the last reset");
    const differs = printsDiffer(domain, PORT_LIMIT);
    if (differs.length > 0) race.wrong(differs);
    this.race = race;
  }

  /** While the other side is idle: it has to work. */
  private resetOnce(side: ToolstackSide): void {
    const domain = side.guest.domain;
    domain.remoteShutdown(SHUTDOWN_soft_reset);
    const result = domain.softReset();
    if (result != 0) this.wrong = "XEN_DOMCTL_soft_reset, alone, = " + describeResult(result);
  }

  toolstack(side: ToolstackSide): void {
    side.deadline = RACE_WITHIN;
    const before = freePages();
    side.create();
    side.untilShutdown();
    if (this.frame != 0) {
      this.raceNow(side);
      side.guest.reconnect();
      side.guest.domain.unpause();
      side.serve();
    }
    const race = this.race;
    const told = this.outcome;
    if (race && this.wrong.length > 0) race.wrong(this.wrong);
    if (race && told && told.text.length > 0) race.wrong(told.text);
    if (race && told) this.outcome = this.judge(side.control, race);
    this.report(side, before);
  }
}
