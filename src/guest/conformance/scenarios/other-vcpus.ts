// What Xen knows about the other vCPUs: the areas that it writes for them, their vcpu_info, their VIRQs. A soft reset forgets them
// on every vCPU (the loops over all vCPUs in domain_soft_reset(), xen/common/domain.c, and in arch_domain_soft_reset()): on
// one that runs, on one that is down meanwhile, and on one from 32 on, which has no vcpu_info in shared_info. A Xen that looked
// at vCPU 0 alone would pass everything that a kernel with one vCPU can see, and write into the memory of
// the next one as soon as that brings up its second.
//
// The control is without the reset: Xen keeps writing, and registers nothing twice.

import { evtchn } from "xenlet";
import {
  TIME_SYSTEM_TIME,
  VCPU_INFO_EVTCHN_PENDING_SEL,
  VCPU_INFO_EVTCHN_UPCALL_PENDING,
  VCPU_INFO_SIZE,
  VCPU_INFO_TIME,
  VIRQ_TIMER,
  XEN_LEGACY_MAX_VCPUS,
} from "xenlet/raw/abi/xen";
import { interrupts_off } from "xenlet/raw/cpu";
import { describeResult } from "xenlet/raw/errno";
import { frame_of, load8, shared_alloc, store64, store8 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { Area, AreaKind } from "../areas";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { mapSharedInfo, registerVcpuInfoAt } from "../raw";
import { RemoteVcpu } from "../remote";
import { Scenario } from "../scenario";

const OTHER_VCPUS = scenario({ name: "other-vcpus", area: "Other vCPUs", vcpus: 40, costMs: 1500 });
const RUNSTATE_VIRTUAL = OTHER_VCPUS.check({
  name: "other-vcpus/runstate-by-virtual-address",
  title: "A runstate area of another vCPU registered by virtual address is unregistered by the reset",
});
const RUNSTATE_PHYSICAL = OTHER_VCPUS.check({
  name: "other-vcpus/runstate-by-physical-address",
  title: "A runstate area of another vCPU registered by physical address is unregistered by the reset",
});
const TIME_VIRTUAL = OTHER_VCPUS.check({
  name: "other-vcpus/time-by-virtual-address",
  title: "A time area of another vCPU registered by virtual address is unregistered by some versions only",
});
const TIME_PHYSICAL = OTHER_VCPUS.check({
  name: "other-vcpus/time-by-physical-address",
  title: "A time area of another vCPU registered by physical address is unregistered by the reset",
});
const INFO_LEFT_ALONE = OTHER_VCPUS.check({
  name: "other-vcpus/vcpu-info-left-alone",
  title: "Xen no longer writes to the vcpu_info that another vCPU registered before the reset",
});
const INFO_AGAIN = OTHER_VCPUS.check({
  name: "other-vcpus/vcpu-info-registered-again",
  title: "The vcpu_info of another vCPU that is down can be registered again, elsewhere",
  broken: "a vCPU from 32 on could not be initialised: 03e484a4f6",
});
const INFO_DELIVERS = OTHER_VCPUS.check({
  name: "other-vcpus/vcpu-info-delivers",
  title: "Events of another vCPU are signalled in the vcpu_info registered after the reset",
});
const VIRQ_AGAIN = OTHER_VCPUS.check({
  name: "other-vcpus/virq-rebind",
  title: "VIRQ_TIMER of another vCPU, bound before the reset, can be bound again",
});

// A vCPU has one runstate area and one time area: from 4.18 on the registration by physical address takes the other one back.
// So there are two rounds, each with a reset of its own.

/** One that runs, one that is down during the reset, and one that has no place in shared_info. */
const RUNNING: u32 = 1;
const DOWN: u32 = 2;
const HIGH: u32 = 39;
/** Nothing here is at the begin of its page. */
const INFO_OFFSET: u32 = 3 * 64;
const NEXT_INFO_OFFSET: u32 = 17 * 64;
const AREA_OFFSET: u32 = 0x128;

function clear(info: usize): void {
  store64(info + VCPU_INFO_EVTCHN_PENDING_SEL, 0);
  store8(info + VCPU_INFO_EVTCHN_UPCALL_PENDING, 0);
}

class Other {
  vcpu: RemoteVcpu | null = null;
  readonly areas: Array<Area> = [];
  private info: usize = shared_alloc(1);
  private nextInfo: usize = shared_alloc(1);
  /** Where it is now; 0: out of reach. */
  private infoNow: usize = 0;
  private writtenBefore: u32 = 0;
  private writtenAfter: u32 = 0;

  constructor(
    readonly id: u32,
    /** Where shared_info is mapped, before and after. */
    private sharedInfo: usize,
  ) {
    for (let kind = 0; kind < 4; kind++)
      this.areas.push(
        new Area(<AreaKind>kind, id, kind == AreaKind.RUNSTATE_BY_VIRTUAL_ADDRESS ? 0x21 : AREA_OFFSET),
      );
  }

  /** Registers its vcpu_info, and starts it. */
  begin(): void {
    const result = registerVcpuInfoAt(this.id, this.info, INFO_OFFSET);
    if (result != 0) throw new Error("VCPUOP_register_vcpu_info refused at first: " + describeResult(result));
    this.infoNow = this.info + INFO_OFFSET;
    this.vcpu = RemoteVcpu.start(this.id);
  }

  /** One without a place in shared_info has none after a reset; then Xen writes its time where it cannot be made wrong. */
  private needInfo(): void {
    if (this.infoNow != 0) return;
    this.vcpu!.down();
    registerVcpuInfoAt(this.id, this.info, INFO_OFFSET);
    this.vcpu!.up();
    this.infoNow = this.info + INFO_OFFSET;
  }

  /** Registers its areas of these two kinds, and sees that Xen writes there. */
  registerAreas(runstate: AreaKind, time: AreaKind): void {
    this.needInfo();
    this.areas[runstate].register();
    this.areas[time].register();
    this.writtenBefore |= this.writtenNow() & ((1 << runstate) | (1 << time));
  }

  /** A bit map of the areas that Xen writes to when it puts the vCPU on a CPU again. Its time it writes where it finds it wrong. */
  private writtenNow(): u32 {
    const vcpu = this.vcpu!;
    const info = this.infoNow;
    for (let i = 0; i < this.areas.length; i++) this.areas[i].poison();
    for (let i = 0; i < 3; i++) {
      if (info != 0) store64(info + VCPU_INFO_TIME + TIME_SYSTEM_TIME, 0);
      vcpu.down();
      vcpu.up();
      vcpu.turn(2);
    }
    let map: u32 = 0;
    for (let i = 0; i < this.areas.length; i++) map |= (<u32>this.areas[i].isWritten) << i;
    return map;
  }

  /** Behind the reset, with shared_info mapped. In the control vcpu_info is where it was. */
  look(control: bool): void {
    if (!control)
      this.infoNow = this.id < XEN_LEGACY_MAX_VCPUS ? this.sharedInfo + <usize>this.id * VCPU_INFO_SIZE : 0;
    this.writtenAfter |= this.writtenNow();
  }

  wrote(kind: AreaKind): bool {
    return ((this.writtenBefore >> kind) & 1) != 0;
  }

  writes(kind: AreaKind): bool {
    return ((this.writtenAfter >> kind) & 1) != 0;
  }

  /** evtchn_upcall_pending in the old kernel's vcpu_info, after an event. */
  oldInfoAfterEvent(): u32 {
    clear(this.info + INFO_OFFSET);
    if (this.id < XEN_LEGACY_MAX_VCPUS) clear(this.sharedInfo + <usize>this.id * VCPU_INFO_SIZE);
    this.sendEvent();
    return load8(this.info + INFO_OFFSET + VCPU_INFO_EVTCHN_UPCALL_PENDING);
  }

  private sendEvent(): void {
    const port = <u32>evtchn.bindIpi(this.id);
    evtchn.unmask(port);
    evtchn.send(port);
  }

  /** While it is down: older versions want that. */
  registerAgain(): i64 {
    this.vcpu!.down();
    return registerVcpuInfoAt(this.id, this.nextInfo, NEXT_INFO_OFFSET);
  }

  newInfoAfterEvent(): u32 {
    const info = this.nextInfo + NEXT_INFO_OFFSET;
    clear(info);
    this.sendEvent();
    return load8(info + VCPU_INFO_EVTCHN_UPCALL_PENDING);
  }
}

export class OtherVcpus extends Scenario {
  private others: Array<Other> = [];

  constructor() {
    super(OTHER_VCPUS);
  }

  /** Of which vCPUs it is so: "vCPU 1, vCPU 39". */
  private which(is: (other: Other, kind: AreaKind) => bool, kind: AreaKind): string {
    const found: Array<string> = [];
    for (let i = 0; i < this.others.length; i++)
      if (is(this.others[i], kind)) found.push("vCPU " + this.others[i].id.toString());
    return found.length == 0 ? "none" : found.join(", ");
  }

  private area(side: GuestSide, check: string, kind: AreaKind): void {
    let ok = true;
    let clean = true;
    for (let i = 0; i < this.others.length; i++) {
      const other = this.others[i];
      ok = ok && other.areas[kind].registered == 0 && other.wrote(kind);
      clean = clean && !other.writes(kind);
    }
    const text =
      "registering it = " +
      describeResult(this.others[0].areas[kind].registered) +
      "; Xen wrote for " +
      this.which((other, kind) => other.wrote(kind), kind) +
      ", and after the reset for " +
      this.which((other, kind) => other.writes(kind), kind);
    if (kind == AreaKind.TIME_BY_VIRTUAL_ADDRESS && !side.control)
      side.observed(check, "time-area-by-virtual-address:" + (clean ? "clean" : "dirty"), ok, text);
    else side.check(check, ok && clean, text);
  }

  /** A reset, with areas of these two kinds before it, and a look at all of them after it. */
  private round(side: GuestSide, page: usize, runstate: AreaKind, time: AreaKind): void {
    const others = this.others;
    for (let i = 0; i < others.length; i++) {
      others[i].registerAreas(runstate, time);
      evtchn.bindVirq(VIRQ_TIMER, others[i].id);
    }
    others[1].vcpu!.down();
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    mapSharedInfo(frame_of(page));
    for (let i = 0; i < others.length; i++) others[i].look(side.control);
  }

  guest(side: GuestSide): void {
    const page = sharedInfo();
    this.others = [new Other(RUNNING, page), new Other(DOWN, page), new Other(HIGH, page)];
    const others = this.others;
    for (let i = 0; i < others.length; i++) others[i].begin();
    interrupts_off();
    this.round(side, page, AreaKind.RUNSTATE_BY_VIRTUAL_ADDRESS, AreaKind.TIME_BY_VIRTUAL_ADDRESS);
    this.round(side, page, AreaKind.RUNSTATE_BY_PHYSICAL_ADDRESS, AreaKind.TIME_BY_PHYSICAL_ADDRESS);
    let oldPending: u32 = 0;
    let again: i64 = 0;
    let virqs: i64 = 0;
    let delivered: u32 = 0;
    for (let i = 0; i < others.length; i++) {
      oldPending += others[i].oldInfoAfterEvent();
      const result = others[i].registerAgain();
      if (again == 0) again = result;
      delivered += others[i].newInfoAfterEvent();
      virqs += u64(evtchn.bindVirq(VIRQ_TIMER, others[i].id) > 0);
    }
    side.attach();
    this.area(side, RUNSTATE_VIRTUAL, AreaKind.RUNSTATE_BY_VIRTUAL_ADDRESS);
    this.area(side, RUNSTATE_PHYSICAL, AreaKind.RUNSTATE_BY_PHYSICAL_ADDRESS);
    this.area(side, TIME_VIRTUAL, AreaKind.TIME_BY_VIRTUAL_ADDRESS);
    this.area(side, TIME_PHYSICAL, AreaKind.TIME_BY_PHYSICAL_ADDRESS);
    side.same(
      INFO_LEFT_ALONE,
      "of three old vcpu_infos, so many have evtchn_upcall_pending set by an event",
      oldPending,
      0,
    );
    side.result(INFO_AGAIN, "VCPUOP_register_vcpu_info, of vCPUs 1, 2 and 39, each down", again, 0);
    side.same(
      INFO_DELIVERS,
      "of three new vcpu_infos, so many have evtchn_upcall_pending set by an event",
      delivered,
      3,
    );
    side.same(VIRQ_AGAIN, "of three VIRQ_TIMERs, so many can be bound again", virqs, 3);
  }
}
