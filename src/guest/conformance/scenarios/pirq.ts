// Interrupts of emulated devices as events. A kernel in an HVM container may have such an interrupt delivered by an event
// channel instead of by the emulated interrupt controllers: it maps it to a pirq (PHYSDEVOP_map_pirq) and binds that
// (EVTCHNOP_bind_pirq), as Linux does. A soft reset forgets these mappings (arch_domain_soft_reset(),
// xen/arch/x86/domain.c), and closes the ports with all others. Without it the next kernel's bind_pirq is -EEXIST, the
// fourth of the failures that the 2015 change names, and it is worse than that: map_pirq of an interrupt that is mapped
// elsewhere returns 0 and a number, and does nothing (map_domain_emuirq_pirq(), xen/arch/x86/irq.c). The new kernel
// then waits for interrupts of which none will come.
//
// It takes a domain that is not PVH: one with emulated devices, and those that matter here (timers, interrupt
// controllers) live in Xen. No device model runs: where it would raise an interrupt, the toolstack does, by the same
// XEN_DMOP_set_isa_irq_level.

import { checked, describeResult, evtchn } from "xenlet";
import {
  XEN_X86_EMU_HPET,
  XEN_X86_EMU_IOAPIC,
  XEN_X86_EMU_IOMMU,
  XEN_X86_EMU_LAPIC,
  XEN_X86_EMU_PIC,
  XEN_X86_EMU_PIT,
  XEN_X86_EMU_PM,
  XEN_X86_EMU_RTC,
  XEN_X86_EMU_USE_PIRQ,
  XEN_X86_EMU_VGA,
} from "xenlet/raw/abi/domctl";
import { EVTCHNSTAT_closed } from "xenlet/raw/abi/event_channel";
import { setIsaIrqLevel } from "xenlet/raw/toolstack";
import { DomainConfig } from "xenlet/toolstack";
import { DONE_BY_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { bindPirq, mapPirq, pirqStatus } from "../physdev";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

/** ISA interrupts that no emulated device of Xen's raises by itself. */
const IRQ: i32 = 5;
const OTHER_IRQ: i32 = 7;
/** How many more are mapped. */
const MORE: i32 = 6;
const FIRST_OF_MORE: i32 = 10;

/** What libxl gives an HVM domain: Xen knows this set, and PVH's local APIC alone. */
const EVERYTHING: u32 =
  XEN_X86_EMU_LAPIC |
  XEN_X86_EMU_HPET |
  XEN_X86_EMU_PM |
  XEN_X86_EMU_RTC |
  XEN_X86_EMU_IOAPIC |
  XEN_X86_EMU_PIC |
  XEN_X86_EMU_VGA |
  XEN_X86_EMU_IOMMU |
  XEN_X86_EMU_PIT |
  XEN_X86_EMU_USE_PIRQ;

function isPending(port: i64): bool {
  return port > 0 && evtchn.isPending(<u32>port);
}

const PIRQ = scenario({ name: "pirq", area: "Emulated interrupts" });
const BINDS_AGAIN = PIRQ.check({
  name: "pirq/binds-again",
  title: "An emulated interrupt's pirq, bound before the reset, can be bound again",
  notUnderXl: DONE_BY_DOM0,
});
const MAPPING_FORGOTTEN = PIRQ.check({
  name: "pirq/mapping-forgotten",
  title: "The mapping of an emulated interrupt to a pirq is removed by the reset",
  notUnderXl: DONE_BY_DOM0,
});
const ALL_MAPPINGS_FORGOTTEN = PIRQ.check({
  name: "pirq/all-mappings-forgotten",
  title: "All mappings of emulated interrupts to pirqs are removed by the reset",
  notUnderXl: DONE_BY_DOM0,
});
const PORT_CLOSED = PIRQ.check({
  name: "pirq/port-closed",
  title: "The port of an emulated interrupt's pirq is closed by the reset",
  notUnderXl: DONE_BY_DOM0,
});
const BOUND_IS_NOT_MAPPED = PIRQ.check({
  name: "pirq/bound-is-not-mapped",
  title: "A pirq that is bound again but not mapped again raises no event",
  notUnderXl: DONE_BY_DOM0,
});
const MAPS_AGAIN = PIRQ.check({
  name: "pirq/maps-again",
  title: "An emulated interrupt that is mapped again gets the pirq that it had",
  notUnderXl: DONE_BY_DOM0,
});
const DELIVERS_AGAIN = PIRQ.check({
  name: "pirq/delivers-again",
  title: "An emulated interrupt that is mapped and bound again raises its event",
  notUnderXl: DONE_BY_DOM0,
});
const NUMBER_IS_FREE = PIRQ.check({
  name: "pirq/number-is-free",
  title: "The next kernel can map a pirq used before the reset to another interrupt",
  notUnderXl: DONE_BY_DOM0,
});

const HIGH_FORGOTTEN = PIRQ.check({
  name: "pirq/high-mapping-forgotten",
  title: "The mapping of an emulated interrupt to pirq 40 is removed by the reset",
  notUnderXl: DONE_BY_DOM0,
});
const ELSEWHERE = PIRQ.check({
  name: "pirq/maps-elsewhere",
  title:
    "The next kernel can map an emulated interrupt used before the reset to another pirq and receives its event",
  notUnderXl: DONE_BY_DOM0,
});

const LOW_FORGOTTEN = PIRQ.check({
  name: "pirq/low-mapping-forgotten",
  title: "The mapping of an emulated interrupt to pirq 5 is removed by the reset",
  notUnderXl: DONE_BY_DOM0,
});
const ALL_ELSEWHERE = PIRQ.check({
  name: "pirq/all-map-elsewhere",
  title: "The next kernel can map each of ten emulated interrupts to another pirq and receives its event",
  notUnderXl: DONE_BY_DOM0,
});

/** Among those that Xen does not assign by itself. */
const LOW_PIRQ: i32 = 5;
const LOW_IRQ: i32 = 4;
/** ISA interrupts of no timer, interrupt controller or power management. */
const ALL_IRQS: StaticArray<i32> = [3, 4, 5, 6, 7, 10, 11, 12, 14, 15];
/** Each has the pirq with so much more than its number. */
const SHIFT: i32 = 17;

/** Beyond those that ISA interrupts have. */
const HIGH_PIRQ: i32 = 40;
const OTHER_PIRQ: i32 = 45;
const HIGH_IRQ: i32 = 6;

export class Pirqs extends Scenario {
  constructor() {
    super(PIRQ);
  }

  configure(config: DomainConfig): void {
    config.kind.emulation = EVERYTHING;
  }

  guest(side: GuestSide): void {
    const pirq = checked("PHYSDEVOP_map_pirq", mapPirq(IRQ));
    const port = checked("EVTCHNOP_bind_pirq", bindPirq(pirq));
    const more: Array<i64> = [];
    for (let i = 0; i < MORE; i++) more.push(checked("PHYSDEVOP_map_pirq", mapPirq(FIRST_OF_MORE + i)));
    checked("PHYSDEVOP_map_pirq", mapPirq(HIGH_IRQ, HIGH_PIRQ));
    checked("PHYSDEVOP_map_pirq", mapPirq(LOW_IRQ, LOW_PIRQ));
    side.stop();
    if (!isPending(port)) throw new Error("the interrupt does not come as an event");
    evtchn.clear(<u32>port);

    side.reset();
    side.result(MAPPING_FORGOTTEN, "PHYSDEVOP_irq_status_query of the old pirq", pirqStatus(pirq), -22);
    let known = 0;
    for (let i = 0; i < MORE; i++) if (pirqStatus(more[i]) == 0) known++;
    side.result(HIGH_FORGOTTEN, "PHYSDEVOP_irq_status_query of pirq 40", pirqStatus(HIGH_PIRQ), -22);
    side.result(LOW_FORGOTTEN, "PHYSDEVOP_irq_status_query of pirq 5", pirqStatus(LOW_PIRQ), -22);
    side.same(ALL_MAPPINGS_FORGOTTEN, "of six more that were mapped, Xen knows", known, 0);
    side.same(PORT_CLOSED, "the state of the pirq's port", evtchn.status(<u32>port).state, EVTCHNSTAT_closed);
    const again = bindPirq(pirq);
    side.check(
      BINDS_AGAIN,
      again > 0,
      "EVTCHNOP_bind_pirq = " + (again > 0 ? "port " : "") + describeResult(again),
    );
    side.stop();
    const stale = isPending(again > 0 ? again : port);
    side.check(
      BOUND_IS_NOT_MAPPED,
      !stale,
      "bound, but not mapped again, the interrupt " + (stale ? "comes" : "does not come"),
    );
    const mapped = mapPirq(IRQ);
    side.same(MAPS_AGAIN, "the pirq that PHYSDEVOP_map_pirq gives", mapped, pirq);
    side.stop();
    side.check(
      DELIVERS_AGAIN,
      isPending(again),
      "mapped and bound again, the interrupt " + (isPending(again) ? "comes" : "does not come"),
    );

    side.reset();
    const other = mapPirq(OTHER_IRQ, <i32>pirq);
    const otherPort = bindPirq(pirq);
    side.stop();
    side.check(
      NUMBER_IS_FREE,
      isPending(otherPort),
      "the pirq mapped to another interrupt = " +
        describeResult(other) +
        ", bound = " +
        describeResult(otherPort) +
        ": it " +
        (isPending(otherPort) ? "comes" : "does not come"),
    );

    side.reset();
    const elsewhere = mapPirq(IRQ, OTHER_PIRQ);
    const elsewherePort = bindPirq(OTHER_PIRQ);
    side.stop();
    side.check(
      ELSEWHERE,
      elsewhere == OTHER_PIRQ && isPending(elsewherePort),
      "the interrupt mapped to another pirq = " +
        describeResult(elsewhere) +
        ", bound = " +
        describeResult(elsewherePort) +
        ": it " +
        (isPending(elsewherePort) ? "comes" : "does not come"),
    );

    side.reset();
    const ports: Array<i64> = [];
    for (let i = 0; i < ALL_IRQS.length; i++) {
      mapPirq(ALL_IRQS[i], ALL_IRQS[i] + SHIFT);
      ports.push(bindPirq(ALL_IRQS[i] + SHIFT));
    }
    side.stop();
    let come: u32 = 0;
    for (let i = 0; i < ports.length; i++) if (isPending(ports[i])) come++;
    side.same(ALL_ELSEWHERE, "of ten interrupts, so many come", come, ALL_IRQS.length);
  }

  /** An edge on each line. */
  onStop(side: ToolstackSide): void {
    const id = side.guest.domain.id;
    for (let i = 0; i < ALL_IRQS.length; i++) {
      checked("XEN_DMOP_set_isa_irq_level", setIsaIrqLevel(id, <u8>ALL_IRQS[i], 1));
      checked("XEN_DMOP_set_isa_irq_level", setIsaIrqLevel(id, <u8>ALL_IRQS[i], 0));
    }
  }
}
