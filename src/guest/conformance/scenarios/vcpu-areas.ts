// Memory that Xen writes for a vCPU: its runstate, by virtual address or (from 4.18 on) by physical address, and the time
// area by physical address. All of them point into the old kernel's memory; after the reset Xen must have forgotten them,
// or it writes into the next kernel's at every switch of a vCPU. (The time area by virtual address is another
// story: see stays-dirty.)

import { describeResult } from "xenlet/raw/errno";
import { frame_of, load32, shared_alloc, store32 } from "xenlet/raw/intrinsics";
import { VCPUOP_register_runstate_memory_area } from "xenlet/raw/abi/vcpu";
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

export class VcpuAreas extends Scenario {
  constructor() {
    super("vcpu-areas");
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
      "vcpu-areas/runstate-by-virtual-address",
      "VCPUOP_register_runstate_memory_area",
      VCPUOP_register_runstate_memory_area,
      false,
    );
    this.area(
      side,
      "vcpu-areas/runstate-by-physical-address",
      "VCPUOP_register_runstate_phys_area",
      VCPUOP_register_runstate_phys_area,
      true,
    );
    this.area(
      side,
      "vcpu-areas/time-by-physical-address",
      "VCPUOP_register_vcpu_time_phys_area",
      VCPUOP_register_vcpu_time_phys_area,
      true,
    );
  }
}
