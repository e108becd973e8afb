// Where a vCPU's time goes, as Xen's scheduler accounts for it: xen/include/public/vcpu.h, struct
// vcpu_runstate_info. Asked for by hypercall, or read from memory that Xen keeps up to date.

import { checked, vcpu_op, vm_assist } from "./hypercall";
import { barrier, load32, load64, shared_alloc } from "./intrinsics";
import {
  RUNSTATE_INFO_SIZE,
  RUNSTATE_INFO_STATE,
  RUNSTATE_INFO_STATE_ENTRY_TIME,
  RUNSTATE_INFO_TIME,
  VCPUOP_get_runstate_info,
  VCPUOP_register_runstate_memory_area,
  vcpu_register_runstate_memory_area,
} from "./abi/vcpu";
import { VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag } from "./abi/xen";

/** In `state_entry_time` while Xen writes the structure, if VMASST_TYPE_runstate_update_flag is on. */
const XEN_RUNSTATE_UPDATE: u64 = 1 << 63;

@lazy const argument = changetype<vcpu_register_runstate_memory_area>(
  memory.data(offsetof<vcpu_register_runstate_memory_area>(), 8),
);
@lazy const answer: usize = memory.data(RUNSTATE_INFO_SIZE, 8);

/** A vCPU's times in ns since it was made; their sum is Xen system time's pace. */
export class Runstate {
  constructor(
    /** RUNSTATE_*: what it is doing. */
    readonly state: u32,
    /** Xen system time (ns) at which it began to. */
    readonly since: u64,
    /** On a physical CPU. */
    readonly running: u64,
    /** Ready to run, while others did. */
    readonly runnable: u64,
    /** Asleep. */
    readonly blocked: u64,
    /** Down, or paused by its toolstack. */
    readonly offline: u64,
  ) {}
}

/** At `area`, read while nobody but Xen writes it. */
function at(area: usize): Runstate {
  while (true) {
    const since = load64(area + RUNSTATE_INFO_STATE_ENTRY_TIME);
    barrier();
    const state = load32(area + RUNSTATE_INFO_STATE);
    const running = load64(area + RUNSTATE_INFO_TIME);
    const runnable = load64(area + RUNSTATE_INFO_TIME + 8);
    const blocked = load64(area + RUNSTATE_INFO_TIME + 16);
    const offline = load64(area + RUNSTATE_INFO_TIME + 24);
    barrier();
    /* Each change of state has its own entry time: an unchanged one without the flag means an unchanged whole. */
    if ((since & XEN_RUNSTATE_UPDATE) == 0 && load64(area + RUNSTATE_INFO_STATE_ENTRY_TIME) == since)
      return new Runstate(state, since, running, runnable, blocked, offline);
  }
}

/** The times of vCPU `vcpu` up to now, by hypercall. Ends the guest if it has no such vCPU. */
export function runstate(vcpu: u32 = 0): Runstate {
  checked("VCPUOP_get_runstate_info", vcpu_op(VCPUOP_get_runstate_info, vcpu, answer));
  return at(answer);
}

/** A vCPU's times in memory that Xen writes at each change of its state: read without a hypercall. */
export class RunstateArea {
  private constructor(
    readonly vcpu: u32,
    private area: usize,
  ) {}

  /**
   * Registers an area for vCPU `vcpu`; a second one takes the first one's place. Null if there is no frame left.
   * Xen 4.17 knows it by its virtual address: stop() it before another kernel takes over, which would find its
   * memory written to.
   */
  static start(vcpu: u32 = 0): RunstateArea | null {
    const area = shared_alloc(1);
    if (area == 0) return null;
    checked("vm_assist", vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag));
    argument.addr = area;
    register(vcpu);
    return new RunstateArea(vcpu, area);
  }

  /** The times up to the last change of its state: while it runs, `running` stands still. */
  read(): Runstate {
    return at(this.area);
  }

  /** Xen writes it no more. */
  stop(): void {
    argument.addr = 0;
    register(this.vcpu);
  }
}

function register(vcpu: u32): void {
  checked(
    "VCPUOP_register_runstate_memory_area",
    vcpu_op(VCPUOP_register_runstate_memory_area, vcpu, changetype<usize>(argument)),
  );
}
