// What a living domain hides. What a reset forgets to give back, a reference to a page or some bytes of Xen's heap, is seen by
// nothing as long as the domain lives: only when it is destroyed it cannot go, or Xen has less memory than before it was made.
//
// So a domain uses all that a reset takes back, the FIFO ABI with a control block on each vCPU, several pages of event array, and
// every area by physical address, two hundred times; Xen's free memory has to be the same after the twentieth as after the last. Then
// it is destroyed, and has to be gone, and what it had has to be free again.
//
// The control is a domain that uses up pages, and that dom0 keeps a page of.

import { describeResult, systemTime, waitForEvents } from "xenlet";
import { interrupts_off } from "xenlet/raw/cpu";
import { frame_of, shared_alloc } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { freePages, mapFrame, unmapFrame } from "xenlet/raw/toolstack";
import { Domain } from "xenlet/toolstack";
import { Area, AreaKind } from "../areas";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { expandArray, initControl, mapSharedInfo, registerVcpuInfoAt } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const LEAKS = scenario({ name: "leaks", area: "Leaks", vcpus: 2, costMs: 3000 });
const XEN_MEMORY = LEAKS.check({
  name: "leaks/xen-memory",
  title: "Xen's free memory is constant over 200 resets of a domain that uses FIFO events and every area",
  notUnderXl: SEEN_FROM_DOM0,
});
const DOMAIN_PAGES = LEAKS.check({
  name: "leaks/domain-pages",
  title: "The page count of a domain that uses FIFO events and every area is constant over 200 resets",
  notUnderXl: SEEN_FROM_DOM0,
});
const DOMAIN_GONE = LEAKS.check({
  name: "leaks/domain-gone",
  title: "A domain that was reset 200 times is gone once it is destroyed",
  notUnderXl: SEEN_FROM_DOM0,
});
const MEMORY_BACK = LEAKS.check({
  name: "leaks/memory-back",
  title: "All memory of a domain that was reset 200 times is free once it is destroyed",
  notUnderXl: SEEN_FROM_DOM0,
});

const RESETS: u32 = 200;
const FIRST_LOOK: u32 = 20;
const ARRAY_PAGES: u32 = 3;
const HOLE: u64 = 0x40000;
/** ns that a destroyed domain has to go. */
const SOON: u64 = 3_000_000_000;
/** Pages: making and destroying any domain of two vCPUs costs Xen a tenth of one, and RCU gives back late. */
const SLACK: i64 = 4;

export class Leaks extends Scenario {
  private freeAtFirst: i64 = 0;
  private freeAtLast: i64 = 0;
  private pagesAtFirst: u64 = 0;
  private pagesAtLast: u64 = 0;

  constructor() {
    super(LEAKS);
  }

  guest(side: GuestSide): void {
    const place = frame_of(sharedInfo());
    const array = shared_alloc(ARRAY_PAGES);
    const blocks = shared_alloc(2);
    const infos = shared_alloc(2);
    const areas: Array<Area> = [];
    for (let vcpu: u32 = 0; vcpu < 2; vcpu++) {
      areas.push(new Area(AreaKind.RUNSTATE_BY_PHYSICAL_ADDRESS, vcpu, 64));
      areas.push(new Area(AreaKind.TIME_BY_PHYSICAL_ADDRESS, vcpu, 128));
    }
    interrupts_off();
    for (let i: u32 = 1; i <= RESETS; i++) {
      for (let vcpu: u32 = 0; vcpu < 2; vcpu++) {
        initControl(vcpu, blocks + vcpu * 4096);
        registerVcpuInfoAt(vcpu, infos + vcpu * 4096, 256);
      }
      for (let page: u32 = 0; page < ARRAY_PAGES; page++) expandArray(array + page * 4096);
      /* Before 4.18 there are none. */
      for (let area = 0; area < areas.length; area++) areas[area].register();
      if (side.control && i % 50 == 0) mapSharedInfo(HOLE + i);
      const result = side.requestReset();
      if (result != 0) throw new Error("a soft reset was refused: " + describeResult(result));
      mapSharedInfo(place);
    }
    side.attach();
  }

  onSoftReset(side: ToolstackSide): bool {
    if (side.resets == FIRST_LOOK || side.resets == RESETS) {
      const free = freePages();
      const pages = side.guest.domain.info().totPages;
      if (side.resets == FIRST_LOOK) {
        this.freeAtFirst = free;
        this.pagesAtFirst = pages;
      }
      this.freeAtLast = free;
      this.pagesAtLast = pages;
    }
    /* The control's domain is reset as well: it differs by what it uses up. */
    return side.guest.softReset() == 0;
  }

  toolstack(side: ToolstackSide): void {
    const before = freePages();
    side.create();
    side.serve();
    side.check(
      XEN_MEMORY,
      side.resets == RESETS && this.freeAtFirst == this.freeAtLast,
      "pages free after " +
        FIRST_LOOK.toString() +
        " resets: " +
        this.freeAtFirst.toString() +
        ", after " +
        side.resets.toString() +
        ": " +
        this.freeAtLast.toString(),
    );
    side.check(
      DOMAIN_PAGES,
      side.resets == RESETS && this.pagesAtFirst == this.pagesAtLast,
      "the domain's pages: " + this.pagesAtFirst.toString() + ", then " + this.pagesAtLast.toString(),
    );
    const id = side.guest.domain.id;
    const kept = side.control ? mapFrame(id, 1) : 0;
    side.dispose();
    const deadline = systemTime() + (side.control ? SOON / 10 : SOON);
    const domain = new Domain(id);
    while (systemTime() < deadline && (domain.info().result >= 0 || freePages() < before - SLACK))
      waitForEvents(systemTime() + 20_000_000);
    const gone = domain.info().result;
    const after = freePages();
    side.result(DOMAIN_GONE, "XEN_DOMCTL_getdomaininfo of the destroyed domain", gone, -3);
    side.check(
      MEMORY_BACK,
      after >= before - SLACK,
      "pages free before the domain was made: " + before.toString() + ", and now: " + after.toString(),
    );
    if (kept != 0) unmapFrame(kept);
  }
}
