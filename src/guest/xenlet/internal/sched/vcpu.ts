// Secondary vCPUs: vCPU 0 gives them programs. boot/vcpu.c has the other side, and says why AssemblyScript stays on vCPU 0.

import { checked, vcpu_op } from "../../raw/hypercall";
import { load32, vcpu_done, vcpu_give, vcpu_reset, vcpu_result, vcpu_start, vcpu_taken } from "../intrinsics";
import {
  RUNSTATE_INFO_SIZE,
  RUNSTATE_INFO_STATE,
  RUNSTATE_running,
  VCPUOP_down,
  VCPUOP_get_runstate_info,
  VCPUOP_is_up,
  VCPUOP_up,
} from "../../raw/abi/vcpu";
import { ETIME } from "../../raw/errno";
import { evtchn } from "../events/evtchn";
import { Part, PartOrder, addPart } from "../reset/part";
import { sched } from "./sched";
import { systemTime } from "../time/time";
import { SCHEDOP_yield } from "../../raw/abi/sched";
import { __HYPERVISOR_sched_op, __HYPERVISOR_vcpu_op } from "../../raw/abi/xen";
import { VcpuProgram } from "./vcpu-program";

/** How a vCPU is started. */
export enum VcpuStart {
  /** VCPUOP_initialise and VCPUOP_up: straight into long mode. */
  HYPERCALL = 0,
  /** INIT and STARTUP by the local APIC: real mode first, as on a bare machine. */
  INIT_SIPI = 1,
}

/** ns that a program which is stopped has before its vCPU is taken to sleep. */
const STOPS_ALONE_WITHIN: u64 = 10_000_000;

/** Ticks that a receiver of Vcpu.send() has, and the longest time between two events. */
const TAKEN_WITHIN: u64 = 1 << 34;
const SEND_SPREAD: u64 = 200_000;

/** vCPUs that boot code has stacks for: MAX_VCPUS in boot/layout.h. */
export const MAX_VCPUS = 4;

/** A vCPU beside the first one: brought up with a program of hypercalls or a loop, taken down, asked for its state (vcpu.h). */
export class Vcpu {
  /** It keeps the memory that the vCPU works on. */
  private program: VcpuProgram | null = null;

  private constructor(
    readonly id: u32,
    /** The event channel port that wakes it: an IPI of its own. */
    readonly port: u32,
  ) {}

  /**
   * Starts vCPU `id`, 1..3, which the domain must have. Ends the guest if Xen refuses: -ENOENT for a vCPU that
   * the domain does not have, -EEXIST for one that is already initialised.
   */
  static start(id: u32, how: VcpuStart = VcpuStart.HYPERCALL): Vcpu {
    const name = "vCPU " + id.toString();
    const port = <u32>checked("EVTCHNOP_bind_ipi of " + name, evtchn.bindIpi(id));
    checked("EVTCHNOP_unmask of " + name, evtchn.unmask(port));
    checked("start of " + name, vcpu_start(id, how, port));
    knowPart();
    const vcpu = new Vcpu(id, port);
    started().push(vcpu);
    return vcpu;
  }

  /** Whether it has finished its last program. */
  get idle(): bool {
    return vcpu_done(this.id) != 0;
  }

  /** What the last step of its last program came to: Xen's own number. */
  get result(): i64 {
    return vcpu_result(this.id);
  }

  /** Grows while its program runs: VcpuProgram.progress. */
  get progress(): u64 {
    const program = this.program;
    return program ? program.progress : 0;
  }

  /** Begins `program`, and returns once it has begun. It must have finished its last one. */
  run(program: VcpuProgram): void {
    assert(vcpu_give(this.id, program.at), "the vCPU has not finished its last program");
    this.program = program;
    this.wake();
    /* Both events would be one if the next were sent before this one is used up. */
    while (!vcpu_taken(this.id)) sched.yield();
  }

  /**
   * Ends its program, before its next step, and wakes it if that sleeps on its own port. False if it takes longer than
   * `ns`: then it is in Xen, or sleeps for something else.
   */
  stop(ns: u64 = 1_000_000_000): bool {
    const program = this.program;
    if (!program || this.idle) return true;
    program.stop();
    if (this.wait(min(ns / 2, STOPS_ALONE_WITHIN))) return true;
    evtchn.send(this.port);
    return this.wait(ns);
  }

  /** Sends it its event: what ends its block() or poll(). */
  wake(): void {
    checked("EVTCHNOP_send", evtchn.send(this.port));
  }

  /** SCHEDOP_yield, `count` times. */
  yield(count: u64): void {
    const program = new VcpuProgram(1);
    program.call(__HYPERVISOR_sched_op, SCHEDOP_yield).repeat(count);
    this.run(program);
  }

  /** SCHEDOP_block, until wake(). */
  block(): void {
    const program = new VcpuProgram(1);
    program.block();
    this.run(program);
  }

  /** SCHEDOP_poll on its own port, until wake() or Xen system time `deadline` (ns; 0: none). */
  poll(deadline: u64 = 0): void {
    const program = new VcpuProgram(1);
    program.poll(this.port, deadline);
    this.run(program);
  }

  /** Keeps its CPU busy for `ticks` of the time stamp counter. */
  spin(ticks: u64): void {
    const program = new VcpuProgram(1);
    program.pause(ticks);
    this.run(program);
  }

  /**
   * EVTCHNOP_send, `count` times: each waits until the one before was taken, and for a moment that is another each time, so
   * that events meet the receiver at every point of its way from one sleep to the next. -ETIME if one is not taken.
   */
  send(port: u32, count: u32): void {
    const program = new VcpuProgram(3);
    program.send(port).orEnd();
    program.await(evtchn.pendingWord(port), evtchn.pendingBit(port), 0, TAKEN_WITHIN).orEnd();
    program.pause(0, SEND_SPREAD);
    this.run(program.setRounds(count));
  }

  /** VCPUOP_down. The last vCPU that goes down powers the domain off. */
  down(): void {
    const program = new VcpuProgram(1);
    program.call(__HYPERVISOR_vcpu_op, VCPUOP_down, this.id);
    this.run(program);
  }

  /** VCPUOP_up: it continues after its down(). */
  up(): i64 {
    return vcpu_op(VCPUOP_up, this.id, 0);
  }

  /** VCPUOP_is_up: 1 or 0. */
  get isUp(): i64 {
    return vcpu_op(VCPUOP_is_up, this.id, 0);
  }

  /** Waits until its program is finished; false if that takes longer than `ns`. */
  wait(ns: u64 = 1_000_000_000): bool {
    const deadline = systemTime() + ns;
    while (!this.idle) {
      if (systemTime() >= deadline) return false;
      sched.yield();
    }
    return true;
  }
}

/** Those that ran since the runtime was attached. */
/* Made at its first use: asc drops a lazy global's own initializer where only overriding methods use it. */
@lazy let startedMade: Array<Vcpu> | null = null;

function started(): Array<Vcpu> {
  let made = startedMade;
  if (!made) startedMade = made = [];
  return made;
}

/** ns that a vCPU has to leave its physical CPU after VCPUOP_down. */
const DOWN_WITHIN: u64 = 1_000_000_000;

@lazy const runstateOf: usize = memory.data(<i32>RUNSTATE_INFO_SIZE, 8);

/**
 * The other vCPUs before a soft reset, which stops none of them: taken down wherever they are, in the middle of an
 * order too, and brought up again on undo, to continue it. After the reset their event channels are closed, so
 * each is put back to where it was before its first start.
 */
class OtherVcpus extends Part {
  private stopped: Array<Vcpu> = [];

  constructor() {
    super("other vCPUs", PartOrder.VCPUS);
  }

  run(): i64 {
    this.stopped = [];
    for (let i = 0; i < started().length; i++) {
      const result = this.stop(started()[i]);
      if (result != 0) {
        this.detail = "vCPU " + started()[i].id.toString();
        this.undo();
        return result;
      }
    }
    this.detail = this.stopped.length.toString() + " down";
    return 0;
  }

  private stop(vcpu: Vcpu): i64 {
    const up = vcpu.isUp;
    if (up <= 0) return up;
    const result = vcpu_op(VCPUOP_down, vcpu.id, 0);
    if (result != 0) return result;
    this.stopped.push(vcpu);
    /* VCPUOP_down does not wait for it (vcpu_sleep_nosync). */
    const deadline = systemTime() + DOWN_WITHIN;
    while (true) {
      const failure = vcpu_op(VCPUOP_get_runstate_info, vcpu.id, runstateOf);
      if (failure != 0) return failure;
      if (load32(runstateOf + RUNSTATE_INFO_STATE) != RUNSTATE_running) return 0;
      if (systemTime() >= deadline) return -ETIME;
      sched.yield();
    }
  }

  undo(): void {
    for (let i = 0; i < this.stopped.length; i++) {
      checked("VCPUOP_up of vCPU " + this.stopped[i].id.toString(), this.stopped[i].up());
    }
  }

  attached(): void {
    resetVcpus();
  }
}

let known = false;

function knowPart(): void {
  if (known) return;
  known = true;
  addPart(new OtherVcpus());
}

/**
 * INIT for each vCPU that ran: Xen then takes VCPUOP_initialise, and INIT-SIPI, as if it never had. It cannot fail,
 * and there is no way back: a Vcpu of before is dead.
 */
export function resetVcpus(): void {
  while (started().length > 0) vcpu_reset(started().pop().id);
}
