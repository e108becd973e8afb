// Ten thousand soft resets of one domain, each with what a kernel does again after it: shared_info, vcpu_info, a VIRQ, the FIFO
// ABI with its control block and event array, and, from 4.18 on, its runstate and time areas by physical address.
// Nothing may be used up: Xen's free memory, which its own heap is part of, the domain's pages, and its event channel
// numbers are the same at the end as after the first. Sampled on the way, so that a drift has a shape. The control
// is a domain that uses up pages: shared_info over a new hole each time, and a port that
// it binds twice.

import { evtchn, record } from "xenlet";
import { VIRQ_TIMER } from "xenlet/raw/abi/xen";
import { interrupts_off } from "xenlet/raw/cpu";
import { frame_of, shared_alloc } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { freePages } from "xenlet/raw/toolstack";
import { Area, AreaKind } from "../areas";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { expandArray, initControl, mapSharedInfo, registerVcpuInfoAt } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const RESETS: u32 = 10_000;
const CONTROL_RESETS: u32 = 1_001;
const SAMPLE_EVERY: u32 = 1_000;
const HOLE: u64 = 0x40000;

/** The samples of one quantity. */
class Samples {
  private values: Array<i64> = [];

  constructor(private name: string) {}

  take(value: i64): void {
    this.values.push(value);
  }

  get isFlat(): bool {
    for (let i = 1; i < this.values.length; i++) if (this.values[i] != this.values[0]) return false;
    return this.values.length > 1;
  }

  get text(): string {
    const last = this.values.length - 1;
    return (
      this.name + ": " + this.values[0].toString() + " at first, " + this.values[last].toString() + " at last"
    );
  }

  report(): void {
    record("series", "name=" + this.name + " values=" + this.values.join(","));
  }
}

const ENDURANCE = scenario({ name: "endurance", area: "Endurance", suite: "endurance", costMs: 20000 });
const ALL_MADE = ENDURANCE.check({
  name: "endurance/all-made",
  title: "10,000 soft resets of one domain succeed",
  notUnderXl: SEEN_FROM_DOM0,
});
const NOTHING_REFUSED = ENDURANCE.check({
  name: "endurance/nothing-refused",
  title: "No registration after any of 10,000 soft resets is refused",
  notUnderXl: SEEN_FROM_DOM0,
});
const FREE_PAGES = ENDURANCE.check({
  name: "endurance/free-pages",
  title: "Xen's free memory is constant over 10,000 soft resets",
  notUnderXl: SEEN_FROM_DOM0,
});
const DOMAIN_PAGES = ENDURANCE.check({
  name: "endurance/domain-pages",
  title: "The domain's page count is constant over 10,000 soft resets",
  notUnderXl: SEEN_FROM_DOM0,
});
const PORT_NUMBERS = ENDURANCE.check({
  name: "endurance/port-numbers",
  title: "Event channel numbers start over after each of 10,000 soft resets",
  notUnderXl: SEEN_FROM_DOM0,
});

export class Endurance extends Scenario {
  private free: Samples = new Samples("free-pages");
  private pages: Samples = new Samples("domain-pages");

  constructor() {
    super(ENDURANCE);
  }

  guest(side: GuestSide): void {
    const gfn = frame_of(sharedInfo());
    const page = shared_alloc(1);
    const block = shared_alloc(1);
    const array = shared_alloc(1);
    const areas = [
      new Area(AreaKind.RUNSTATE_BY_PHYSICAL_ADDRESS, 0, 64),
      new Area(AreaKind.TIME_BY_PHYSICAL_ADDRESS, 0, 128),
    ];
    interrupts_off();
    const resets = side.control ? CONTROL_RESETS : RESETS;
    let port: i64 = 0;
    let highest: i64 = 0;
    let refused: i64 = 0;
    for (let i: u32 = 1; i <= resets; i++) {
      const result = side.requestReset();
      /* In the control one more hole becomes RAM now and then. */
      const at = side.control && i % SAMPLE_EVERY == 1 ? HOLE + i : gfn;
      refused |= result | mapSharedInfo(at) | registerVcpuInfoAt(0, page);
      const virq = evtchn.bindVirq(VIRQ_TIMER);
      refused |= initControl(0, block) | expandArray(array);
      for (let area = 0; area < areas.length; area++) areas[area].register();
      if (i == 1) port = virq;
      if (side.control) highest = max(highest, evtchn.bindIpi());
      else highest = max(highest, virq);
    }
    side.requestReset();
    side.attach();
    side.same(
      NOTHING_REFUSED,
      "refusals in all resets and registrations",
      side.control ? refused + 1 : refused,
      0,
    );
    side.same(PORT_NUMBERS, "the highest event channel, as after the first reset", highest, port);
  }

  onSoftReset(side: ToolstackSide): bool {
    const guest = side.guest;
    const sampled = side.resets % SAMPLE_EVERY == 1;
    /* Before the reset: the domain stands still, with shared_info over one of its pages. */
    if (sampled) {
      record("log", "endurance: " + side.resets.toString() + " soft resets asked for");
      this.free.take(freePages());
      this.pages.take(<i64>guest.domain.info().totPages);
    }
    /* The store and the console are offered again when they are examined; the last time they are. */
    if (sampled) return side.softReset() == 0;
    guest.domain.pause();
    if (side.accepted(guest.domain.softReset()) != 0) return false;
    return guest.domain.unpause() == 0;
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    side.serve();
    side.same(ALL_MADE, "soft resets", side.resets, RESETS + 1);
    side.check(FREE_PAGES, this.free.isFlat, this.free.text);
    side.check(DOMAIN_PAGES, this.pages.isFlat, this.pages.text);
    if (side.control) return;
    this.free.report();
    this.pages.report();
  }
}
