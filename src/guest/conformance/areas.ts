// Memory that Xen writes for a vCPU, in all of its kinds: how each is registered, and whether Xen writes there.

import {
  RUNSTATE_INFO_SIZE,
  VCPUOP_register_runstate_memory_area,
  VCPUOP_register_vcpu_time_memory_area,
} from "xenlet/raw/abi/vcpu";
import { frame_of, load32, shared_alloc, store32 } from "xenlet/raw/memory";
import { registerArea } from "./raw";

// vcpu.h, Xen 4.18.
const VCPUOP_register_runstate_phys_area: u32 = 14;
const VCPUOP_register_vcpu_time_phys_area: u32 = 15;

/** xen.h: struct vcpu_time_info. */
const VCPU_TIME_INFO_SIZE: u32 = 32;
const POISON: u32 = 0xdead5eed;

export enum AreaKind {
  RUNSTATE_BY_VIRTUAL_ADDRESS,
  RUNSTATE_BY_PHYSICAL_ADDRESS,
  TIME_BY_VIRTUAL_ADDRESS,
  TIME_BY_PHYSICAL_ADDRESS,
}

const OPERATIONS: StaticArray<u32> = [
  VCPUOP_register_runstate_memory_area,
  VCPUOP_register_runstate_phys_area,
  VCPUOP_register_vcpu_time_memory_area,
  VCPUOP_register_vcpu_time_phys_area,
];

export class Area {
  private page: usize = shared_alloc(1);
  /** Xen's errno, or 0. */
  registered: i64 = 0;

  /** `offset`: in its page. One by physical address has to be at a multiple of 8. */
  constructor(
    readonly kind: AreaKind,
    readonly vcpu: u32,
    readonly offset: u32,
  ) {}

  private get at(): usize {
    return this.page + this.offset;
  }

  private get size(): u32 {
    return this.kind <= AreaKind.RUNSTATE_BY_PHYSICAL_ADDRESS ? <u32>RUNSTATE_INFO_SIZE : VCPU_TIME_INFO_SIZE;
  }

  register(): i64 {
    const physical =
      this.kind == AreaKind.RUNSTATE_BY_PHYSICAL_ADDRESS || this.kind == AreaKind.TIME_BY_PHYSICAL_ADDRESS;
    const address: u64 = physical ? (frame_of(this.page) << 12) + this.offset : this.at;
    this.registered = registerArea(OPERATIONS[this.kind], this.vcpu, address);
    return this.registered;
  }

  poison(): void {
    for (let i: u32 = 0; i < this.size; i += 4) store32(this.at + i, POISON);
  }

  /** Whether Xen has written there since poison(). */
  get isWritten(): bool {
    for (let i: u32 = 0; i < this.size; i += 4) if (load32(this.at + i) != POISON) return true;
    return false;
  }
}
