// shared_info. A kernel maps it over a page of its RAM, and that page goes back to Xen. The reset takes shared_info away
// again, and puts a new page of RAM there (arch_domain_soft_reset(), xen/arch/x86/domain.c): to the next kernel the
// frame is memory like any other. Without that, the next kernel's own mapping succeeds nevertheless, and
// leaves a hole where the old one was: reads give ones, writes are lost, and the domain has a page less
// each time. It is the quietest of the five, and shows only when that frame is used.
//
// The new page comes from the domain's allowance. Where shared_info covered a hole instead of RAM, it is one more than
// before; with none left the reset is refused with -ENOMEM, and Xen crashes the domain silently:
// the reason stays 5.

import { describeResult, evtchn, systemTime, waitForEvents } from "xenlet";
import { SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import { SHARED_INFO_EVTCHN_PENDING } from "xenlet/raw/abi/xen";
import { frame_of, load32, load64, shared_alloc, store32, store64 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { freePages, mapFrame, unmapFrame } from "xenlet/raw/toolstack";
import { Domain, DomainConfig } from "xenlet/toolstack";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { mapSharedInfo } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

/** struct shared_info ends before here, and the rest of its page is unused. */
const UNUSED: usize = 4000;
const MARK: u32 = 0x5eed0001;
const PATTERN: u64 = 0x5a5aa5a55a5aa5a5;
/** ns that a destroyed domain has to go. */
const GONE_SOON: u64 = 3_000_000_000;
const NOWHERE: u64 = u64.MAX_VALUE;

function hex(value: u64): string {
  return "0x" + value.toString(16);
}

/** Xen says "nowhere" by all ones, as wide as the release has it. */
function isNowhere(frame: u64): bool {
  return frame == NOWHERE || frame == u32.MAX_VALUE;
}

const SHARED_INFO = scenario({ name: "shared-info", area: "shared_info" });
const PENDING_CLEARED = SHARED_INFO.check({
  name: "event-channels/pending-cleared",
  title: "A pending event is cleared by the reset",
  area: "Event channels",
});
const UNMAPPED = SHARED_INFO.check({
  name: "shared-info/unmapped",
  title: "shared_info is mapped nowhere in the domain's memory after the reset",
  notUnderXl: SEEN_FROM_DOM0,
});
const PAGE_GIVEN_BACK = SHARED_INFO.check({
  name: "shared-info/page-given-back",
  title: "The domain has as many pages after the reset as before it mapped shared_info",
  notUnderXl: SEEN_FROM_DOM0,
});
const ANOTHER_PAGE = SHARED_INFO.check({
  name: "shared-info/another-page",
  title: "The page that takes shared_info's place is another one",
});
const MAPS_OVER_IT = SHARED_INFO.check({
  name: "shared-info/maps-over-it",
  title: "The page that takes shared_info's place is RAM, and shared_info can be mapped over it",
});

export class SharedInfo extends Scenario {
  private pagesBefore: u64 = 0;

  constructor() {
    super(SHARED_INFO);
  }

  guest(side: GuestSide): void {
    const page = sharedInfo();
    store32(page + UNUSED, MARK);
    /* Masked, so that it is not taken. */
    evtchn.send(<u32>evtchn.bindIpi());
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    const there = load32(page + UNUSED);
    store64(page, PATTERN);
    store64(page + 2048, ~PATTERN);
    const kept = load64(page) == PATTERN && load64(page + 2048) == ~PATTERN;
    const mapped = mapSharedInfo(frame_of(page));
    const first = load64(page);
    const pending = load64(page + SHARED_INFO_EVTCHN_PENDING);
    side.attach();
    side.same(PENDING_CLEARED, "the word of evtchn_pending that had a port's bit set", pending, 0);
    side.check(
      ANOTHER_PAGE,
      there != MARK,
      "a mark that was left in shared_info: at its old place there is " + hex(there),
    );
    side.check(
      MAPS_OVER_IT,
      mapped == 0 && kept && first != PATTERN,
      "a pattern in the page, then XENMEM_add_to_physmap over it = " +
        describeResult(mapped) +
        ": there is " +
        hex(first),
    );
  }

  toolstack(side: ToolstackSide): void {
    side.createPaused();
    this.pagesBefore = side.guest.domain.info().totPages;
    side.guest.domain.unpause();
    side.serve();
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    const frame = domain.info().sharedInfoFrame;
    domain.pause();
    if (side.control) domain.resume();
    else if (side.accepted(domain.softReset()) != 0) return false;
    const after = domain.info();
    side.check(
      UNMAPPED,
      !isNowhere(frame) && isNowhere(after.sharedInfoFrame),
      "shared_info was at frame " + hex(frame) + ", and is at " + hex(after.sharedInfoFrame),
    );
    side.same(
      PAGE_GIVEN_BACK,
      "the domain's pages, as before it mapped shared_info",
      after.totPages,
      this.pagesBefore,
    );
    if (!side.control) side.guest.reconnect();
    domain.unpause();
    return true;
  }
}

const SHARED_INFO_ELSEWHERE = scenario({ name: "shared-info-elsewhere", area: "shared_info" });
const OLD_FRAME_IS_RAM = SHARED_INFO_ELSEWHERE.check({
  name: "shared-info/old-frame-is-ram",
  title: "shared_info's old frame is RAM even if the next kernel maps shared_info elsewhere",
});
const NO_PAGE_LOST = SHARED_INFO_ELSEWHERE.check({
  name: "shared-info/no-page-lost",
  title: "The domain loses no page if the next kernel maps shared_info elsewhere",
  notUnderXl: SEEN_FROM_DOM0,
});

/** A next kernel that maps shared_info elsewhere. */
export class SharedInfoElsewhere extends Scenario {
  private pagesBefore: u64 = 0;

  constructor() {
    super(SHARED_INFO_ELSEWHERE);
  }

  guest(side: GuestSide): void {
    const old = sharedInfo();
    const elsewhere = shared_alloc(1);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    /* It returns 0 either way. */
    mapSharedInfo(frame_of(elsewhere));
    store64(old + 8, PATTERN);
    const read = load64(old + 8);
    /* A second request, with shared_info at its new place: the toolstack counts pages. */
    side.requestReset();
    side.attach();
    side.same(OLD_FRAME_IS_RAM, "what was written to the old frame, read back", read, PATTERN);
  }

  toolstack(side: ToolstackSide): void {
    side.createPaused();
    this.pagesBefore = side.guest.domain.info().totPages;
    side.guest.domain.unpause();
    side.serve();
  }

  onSoftReset(side: ToolstackSide): bool {
    if (side.resets == 2)
      side.same(
        NO_PAGE_LOST,
        "the domain's pages, with shared_info over one of them",
        side.guest.domain.info().totPages,
        this.pagesBefore - 1,
      );
    return side.resetOrResume() == 0;
  }
}

/** Frames above the 8 MiB that the domain has, and below its special pages. */
const HOLE: u64 = 0x40000;

const SHARED_INFO_OVER_HOLE = scenario({ name: "shared-info-over-hole", area: "shared_info" });
const HOLE_BECOMES_RAM = SHARED_INFO_OVER_HOLE.check({
  name: "shared-info/hole-becomes-ram",
  title: "The reset adds a page to a domain whose shared_info covered a hole",
  notUnderXl: SEEN_FROM_DOM0,
});

/** shared_info over a hole: the reset makes it RAM, a page more than the domain had. */
export class SharedInfoOverHole extends Scenario {
  constructor() {
    super(SHARED_INFO_OVER_HOLE);
  }

  guest(side: GuestSide): void {
    mapSharedInfo(HOLE);
    side.requestReset();
    side.attach();
  }

  onSoftReset(side: ToolstackSide): bool {
    const before = side.guest.domain.info().totPages;
    const result = side.resetOrResume();
    side.same(
      HOLE_BECOMES_RAM,
      "the domain's pages, one more than before",
      side.guest.domain.info().totPages,
      before + 1,
    );
    return result == 0;
  }
}

const SHARED_INFO_NO_MEMORY = scenario({ name: "shared-info-no-memory", area: "shared_info" });
const NO_PAGE_FOR_IT = SHARED_INFO_NO_MEMORY.check({
  name: "shared-info/no-page-for-it",
  title: "The reset is refused with -ENOMEM if the domain may not allocate a page to replace shared_info",
  notUnderXl: SEEN_FROM_DOM0,
});
const CRASHES_AS_REASON_5 = SHARED_INFO_NO_MEMORY.check({
  name: "shared-info/crashes-as-reason-5",
  title: "A domain that Xen crashes during a reset is still reported as shut down for reason 5",
  notUnderXl: SEEN_FROM_DOM0,
});

const GOES_AFTER_FAILURE = SHARED_INFO_NO_MEMORY.check({
  name: "shared-info/failed-domain-goes",
  title: "A domain whose reset failed is gone once it is destroyed, with all of its memory",
  notUnderXl: SEEN_FROM_DOM0,
  broken: "the p2m stayed locked: e7969e917c",
});

/** The same with no page left for it. */
export class SharedInfoNoMemory extends Scenario {
  constructor() {
    super(SHARED_INFO_NO_MEMORY);
  }

  configure(config: DomainConfig): void {
    config.slackPages = 0;
  }

  guest(side: GuestSide): void {
    /* The first hole takes the page that mapping shared_info over RAM had freed; for the second there is none. */
    mapSharedInfo(HOLE);
    side.requestReset();
    mapSharedInfo(HOLE + 1);
    side.requestReset();
  }

  toolstack(side: ToolstackSide): void {
    const before = freePages();
    side.create();
    side.serve();
    const id = side.guest.domain.id;
    /* dom0 keeps a page in the control. */
    const kept = side.control ? mapFrame(id, 1) : 0;
    side.dispose();
    const domain = new Domain(id);
    const deadline = systemTime() + (side.control ? GONE_SOON / 10 : GONE_SOON);
    while (systemTime() < deadline && (domain.info().result >= 0 || freePages() < before - 4))
      waitForEvents(systemTime() + 20_000_000);
    const gone = domain.info().result;
    const after = freePages();
    side.check(
      GOES_AFTER_FAILURE,
      gone == -3 && after >= before - 4,
      "XEN_DOMCTL_getdomaininfo = " +
        describeResult(gone) +
        ", pages free: " +
        before.toString() +
        " before it was made, and now " +
        after.toString(),
    );
    if (kept != 0) unmapFrame(kept);
  }

  onSoftReset(side: ToolstackSide): bool {
    const result = side.resetOrResume();
    if (side.resets == 1) return result == 0;
    const info = side.guest.domain.info();
    side.result(NO_PAGE_FOR_IT, "XEN_DOMCTL_soft_reset with the domain at its limit", result, -12);
    side.check(
      CRASHES_AS_REASON_5,
      info.isShutdown && info.reason == SHUTDOWN_soft_reset,
      "the domain is " + (info.isShutdown ? "" : "not ") + "shut down, for reason " + info.reason.toString(),
    );
    return false;
  }
}
