// Memory that Xen writes for a vCPU: its runstate, by virtual address or (from 4.18 on) by physical address, and the time
// area by physical address. All of them point into the old kernel's memory; after the reset Xen must have forgotten them,
// or it writes into the next kernel's at every switch of a vCPU. (The time area by virtual address is another
// story: see stays-dirty.)

import { VCPUOP_register_runstate_memory_area } from "xenlet/raw/abi/vcpu";
import { describeResult } from "xenlet/raw/errno";
import { frame_of, load32, shared_alloc, store32 } from "xenlet/raw/memory";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { makeXenWriteTime, registerArea } from "../raw";
import { Scenario } from "../scenario";

// vcpu.h, Xen 4.18.
const VCPUOP_register_runstate_phys_area: u32 = 14;
const VCPUOP_register_vcpu_time_phys_area: u32 = 15;

const POISON: u32 = 0xdead5eed;
const WORDS: u32 = 16;

function poison(page: usize): void {
  for (let i: u32 = 0; i < WORDS; i++) store32(page + i * 4, POISON);
}

function isWritten(page: usize): bool {
  for (let i: u32 = 0; i < WORDS; i++) if (load32(page + i * 4) != POISON) return true;
  return false;
}

const VCPU_AREAS = scenario({ name: "vcpu-areas", area: "Areas of a vCPU" });
const RUNSTATE_BY_VIRTUAL_ADDRESS = VCPU_AREAS.check({
  name: "vcpu-areas/runstate-by-virtual-address",
  title: "A runstate area registered by virtual address is forgotten by the reset",
});
const RUNSTATE_BY_PHYSICAL_ADDRESS = VCPU_AREAS.check({
  name: "vcpu-areas/runstate-by-physical-address",
  title: "A runstate area registered by physical address is forgotten by the reset",
});
const TIME_BY_PHYSICAL_ADDRESS = VCPU_AREAS.check({
  name: "vcpu-areas/time-by-physical-address",
  title: "A time area registered by physical address is forgotten by the reset",
});

export class VcpuAreas extends Scenario {
  constructor() {
    super(VCPU_AREAS);
  }

  /** Xen has reason to write the time in between, and as it sleeps for that, the vCPU's runstate changes too. */
  private area(side: GuestSide, name: string, what: string, operation: u32, byPhysicalAddress: bool): void {
    const page = shared_alloc(1);
    poison(page);
    const address: u64 = byPhysicalAddress ? frame_of(page) << 12 : page;
    const registered = registerArea(operation, 0, address);
    if (registered == 0) makeXenWriteTime();
    const before = isWritten(page);
    side.reset();
    poison(page);
    if (registered == 0) makeXenWriteTime();
    const after = isWritten(page);
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
      VCPUOP_register_runstate_memory_area,
      false,
    );
    this.area(
      side,
      RUNSTATE_BY_PHYSICAL_ADDRESS,
      "VCPUOP_register_runstate_phys_area",
      VCPUOP_register_runstate_phys_area,
      true,
    );
    this.area(
      side,
      TIME_BY_PHYSICAL_ADDRESS,
      "VCPUOP_register_vcpu_time_phys_area",
      VCPUOP_register_vcpu_time_phys_area,
      true,
    );
  }
}
