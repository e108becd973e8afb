// Memory that Xen writes for a vCPU: its runstate, by virtual address or (from 4.18 on) by physical address, and the time
// area by physical address. All of them point into the old kernel's memory; after the reset Xen must have forgotten them,
// or it writes into the next kernel's at every switch of a vCPU. (The time area by virtual address is another
// story: see stays-dirty.)

import { describeResult } from "xenlet";
import { Area, AreaKind } from "../areas";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { makeXenWriteTime } from "../raw";
import { Scenario } from "../scenario";

const VCPU_AREAS = scenario({ name: "vcpu-areas", area: "Areas of a vCPU" });
const RUNSTATE_BY_VIRTUAL_ADDRESS = VCPU_AREAS.check({
  name: "vcpu-areas/runstate-by-virtual-address",
  title: "A runstate area registered by virtual address is unregistered by the reset",
  broken: "before 4.7, while soft reset was made: 7ff56b7e4d",
});
const RUNSTATE_BY_PHYSICAL_ADDRESS = VCPU_AREAS.check({
  name: "vcpu-areas/runstate-by-physical-address",
  title: "A runstate area registered by physical address is unregistered by the reset",
});
const TIME_BY_PHYSICAL_ADDRESS = VCPU_AREAS.check({
  name: "vcpu-areas/time-by-physical-address",
  title: "A time area registered by physical address is unregistered by the reset",
});

export class VcpuAreas extends Scenario {
  constructor() {
    super(VCPU_AREAS);
  }

  /** Xen has reason to write the time in between, and as it sleeps for that, the vCPU's runstate changes too. */
  private area(side: GuestSide, name: string, what: string, kind: AreaKind): void {
    /* Not at the begin of its page: Xen has to find that itself. */
    const area = new Area(kind, 0, kind == AreaKind.RUNSTATE_BY_VIRTUAL_ADDRESS ? 0x21 : 0x128);
    area.poison();
    const registered = area.register();
    if (registered == 0) makeXenWriteTime();
    const before = area.isWritten;
    side.reset();
    area.poison();
    if (registered == 0) makeXenWriteTime();
    const after = area.isWritten;
    side.check(
      name,
      registered == 0 && before && !after,
      what +
        " = " +
        describeResult(registered) +
        ", and Xen " +
        (before ? "wrote" : "did not write") +
        " there; after the reset it " +
        (after ? "does" : "does not"),
    );
  }

  guest(side: GuestSide): void {
    this.area(
      side,
      RUNSTATE_BY_VIRTUAL_ADDRESS,
      "VCPUOP_register_runstate_memory_area",
      AreaKind.RUNSTATE_BY_VIRTUAL_ADDRESS,
    );
    this.area(
      side,
      RUNSTATE_BY_PHYSICAL_ADDRESS,
      "VCPUOP_register_runstate_phys_area",
      AreaKind.RUNSTATE_BY_PHYSICAL_ADDRESS,
    );
    this.area(
      side,
      TIME_BY_PHYSICAL_ADDRESS,
      "VCPUOP_register_vcpu_time_phys_area",
      AreaKind.TIME_BY_PHYSICAL_ADDRESS,
    );
  }
}
