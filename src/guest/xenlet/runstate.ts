// Where a vCPU's time goes, as Xen's scheduler accounts for it: xen/include/public/vcpu.h, struct
// vcpu_runstate_info. Asked for by hypercall, or read from memory that Xen keeps up to date.

import { checked, vcpu_op, vm_assist } from "./raw/hypercall";
import { Part, PartOrder, addPart } from "./internal/reset/part";
import { needSharedInfo } from "./internal/events/shared-info";
import { barrier, load32, load64, shared_alloc } from "./internal/intrinsics";
import {
  RUNSTATE_INFO_SIZE,
  RUNSTATE_INFO_STATE,
  RUNSTATE_INFO_STATE_ENTRY_TIME,
  RUNSTATE_INFO_TIME,
  VCPUOP_get_runstate_info,
  VCPUOP_register_runstate_memory_area,
  vcpu_register_runstate_memory_area,
} from "./raw/abi/vcpu";
import { VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag } from "./raw/abi/xen";

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

/** At `area`, read while only Xen writes it. */
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
  private static all: Array<RunstateArea> = [];
  /** Frames of areas that were stopped. */
  private static free: Array<usize> = [];

  private constructor(
    readonly vcpu: u32,
    private area: usize,
  ) {}

  /**
   * Registers an area for vCPU `vcpu`; a second one replaces the first. Null if there is no frame left.
   * Xen 4.17 knows it by its virtual address: it has to be stopped before another kernel takes over, which would
   * find its memory written to (softReset.prepare() does).
   */
  static start(vcpu: u32 = 0): RunstateArea | null {
    knowPart();
    const area = RunstateArea.free.length > 0 ? RunstateArea.free.pop() : shared_alloc(1);
    if (area == 0) return null;
    checked("vm_assist", vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag));
    RunstateArea.replace(vcpu);
    checked(REGISTER, register(vcpu, area));
    const started = new RunstateArea(vcpu, area);
    RunstateArea.all.push(started);
    return started;
  }

  /** Unregisters the area of `vcpu`. */
  private static replace(vcpu: u32): void {
    for (let i = 0; i < RunstateArea.all.length; i++) {
      if (RunstateArea.all[i].vcpu == vcpu) {
        RunstateArea.all[i].forget();
        break;
      }
    }
  }

  /** Those that are registered: a copy. */
  static registered(): Array<RunstateArea> {
    return RunstateArea.all.slice();
  }

  /** The times up to the last change of its state: while it runs, `running` stands still. */
  read(): Runstate {
    return at(this.area);
  }

  /** Xen writes it no more; read() says what it wrote last. Nothing, if that is so already. */
  stop(): void {
    if (!RunstateArea.all.includes(this)) return;
    checked(REGISTER, register(this.vcpu, 0));
    this.forget();
  }

  /** Xen has it no longer. Its frame is another area's from here on. */
  forget(): void {
    RunstateArea.all.splice(RunstateArea.all.indexOf(this), 1);
    RunstateArea.free.push(this.area);
  }

  /** Takes it away from Xen for the time being, and gives it back. Xen's errno, or 0. */
  suspend(): i64 {
    return register(this.vcpu, 0);
  }

  /** Registers the area again after suspend(); ends the guest if Xen refuses. */
  resume(): void {
    checked(REGISTER, register(this.vcpu, this.area));
  }
}

const REGISTER = "VCPUOP_register_runstate_memory_area";

function register(vcpu: u32, area: usize): i64 {
  argument.addr = area;
  /* This tells Xen that this kernel is a 64-bit one, whatever ran here before: the area has that width. */
  needSharedInfo();
  return vcpu_op(VCPUOP_register_runstate_memory_area, vcpu, changetype<usize>(argument));
}

/** Before a jump to another kernel Xen must stop writing; a soft reset itself makes it forget the areas. */
class RunstateAreas extends Part {
  private suspended: Array<RunstateArea> = [];

  constructor() {
    super("runstate areas", PartOrder.AREAS);
  }

  run(): i64 {
    const areas = RunstateArea.registered();
    this.suspended = [];
    for (let i = 0; i < areas.length; i++) {
      const result = areas[i].suspend();
      if (result != 0) {
        this.undo();
        return result;
      }
      this.suspended.push(areas[i]);
    }
    return 0;
  }

  undo(): void {
    for (let i = 0; i < this.suspended.length; i++) this.suspended[i].resume();
  }

  attached(): void {
    const areas = RunstateArea.registered();
    for (let i = 0; i < areas.length; i++) areas[i].forget();
  }
}

let known = false;

function knowPart(): void {
  if (known) return;
  known = true;
  addPart(new RunstateAreas());
}
