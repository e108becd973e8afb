// The time area, VCPUOP_register_vcpu_time_memory_area: a copy of vcpu_time_info that Xen writes at a virtual address. It
// should be forgotten like the runstate area (vcpu-areas.ts), or Xen writes into whatever the next kernel maps there. Before
// 4.17 it was not; since then it is, but for one case in every release: the line that forgets it stands behind the return
// for a domain that has no shared_info mapped (arch_domain_soft_reset(), xen/arch/x86/domain.c).

import { VCPUOP_register_vcpu_time_memory_area } from "xenlet/raw/abi/vcpu";
import { interrupts_off } from "xenlet/raw/cpu";
import { describeResult } from "xenlet/raw/errno";
import { load64, shared_alloc, store64 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { makeXenWriteTime, registerArea, unmapPage } from "../raw";
import { Dirty } from "./stays-dirty";

const POISON: u64 = 0xdead5eeddead5eed;
const SIZE: usize = 32;

/** Whether Xen writes there when it has reason to. */
function isWritten(page: usize): bool {
  for (let at: usize = 0; at < SIZE; at += 8) store64(page + at, POISON);
  makeXenWriteTime();
  for (let at: usize = 0; at < SIZE; at += 8) if (load64(page + at) != POISON) return true;
  return false;
}

function found(registered: i64, before: bool, after: bool): string {
  return (
    "VCPUOP_register_vcpu_time_memory_area = " +
    describeResult(registered) +
    ", and Xen " +
    (before ? "wrote" : "did not write") +
    " there; after the reset it " +
    (after ? "does" : "does not")
  );
}

const STAYS_DIRTY_TIME_AREA = scenario({
  name: "stays-dirty-time-area",
  area: "What stays dirty",
  costMs: 6000,
});
const TIME_AREA = STAYS_DIRTY_TIME_AREA.check({
  name: "stays-dirty/time-area",
  title:
    "A time area registered by virtual address is unregistered by some versions and still written by others",
  broken: "until 4.16.2, which did not forget it: b80d4f8d2e",
});

export class TimeArea extends Dirty {
  constructor() {
    super(STAYS_DIRTY_TIME_AREA);
  }

  guest(side: GuestSide): void {
    const page = shared_alloc(1);
    const registered = side.control ? 0 : registerArea(VCPUOP_register_vcpu_time_memory_area, 0, page);
    const before = isWritten(page);
    side.reset();
    const after = isWritten(page);
    const ok = registered == 0 && before;
    const text = found(registered, before, after);
    if (side.control) side.check(TIME_AREA, ok, text);
    else side.observed(TIME_AREA, "time-area-by-virtual-address:" + (after ? "dirty" : "clean"), ok, text);
  }
}

const STAYS_DIRTY_TIME_AREA_ALONE = scenario({
  name: "stays-dirty-time-area-alone",
  area: "What stays dirty",
});
const TIME_AREA_WITHOUT_SHARED_INFO = STAYS_DIRTY_TIME_AREA_ALONE.check({
  name: "stays-dirty/time-area-without-shared-info",
  title: "A time area registered by virtual address is still written if shared_info was not mapped",
});

/** A domain that asks without shared_info in its memory. */
export class TimeAreaAlone extends Dirty {
  constructor() {
    super(STAYS_DIRTY_TIME_AREA_ALONE);
  }

  guest(side: GuestSide): void {
    const page = shared_alloc(1);
    const registered = registerArea(VCPUOP_register_vcpu_time_memory_area, 0, page);
    const before = isWritten(page);
    /* The control's area is taken back in time. */
    if (side.control) registerArea(VCPUOP_register_vcpu_time_memory_area, 0, 0);
    interrupts_off();
    if (unmapPage(sharedInfo()) != 0) throw new Error("XENMEM_remove_from_physmap refused");
    side.reset();
    const after = isWritten(page);
    side.check(
      TIME_AREA_WITHOUT_SHARED_INFO,
      registered == 0 && before && after,
      found(registered, before, after),
    );
  }
}
