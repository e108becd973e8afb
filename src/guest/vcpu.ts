// Secondary vCPUs: vCPU 0 gives them orders, in Xen's own terms. boot/vcpu.c has the other side, and says why
// AssemblyScript stays on vCPU 0.

import { checked, vcpu_op } from "./hypercall";
import {
  rdtsc,
  vcpu_done,
  vcpu_order,
  vcpu_progress,
  vcpu_result,
  vcpu_start,
  vcpu_taken,
} from "./intrinsics";
import { VCPUOP_is_up, VCPUOP_up } from "./abi/vcpu";
import { evtchn } from "./evtchn";
import { sched } from "./sched";
import { systemTime } from "./time";

/** How a vCPU is started. */
export enum VcpuStart {
  /** VCPUOP_initialise and VCPUOP_up: straight into long mode. */
  HYPERCALL = 0,
  /** INIT and STARTUP by the local APIC: real mode first, as on a bare machine. */
  INIT_SIPI = 1,
}

/** enum vcpu_order in boot/boot.h. */
const enum Order {
  YIELD = 0,
  BLOCK = 1,
  POLL = 2,
  SPIN = 3,
  DOWN = 4,
  SEND = 5,
}

/** vCPUs that boot code has stacks for: MAX_VCPUS in boot/layout.h. */
export const MAX_VCPUS = 4;

export class Vcpu {
  private constructor(
    readonly id: u32,
    /** The event channel port that wakes it: an IPI of its own. */
    readonly port: u32,
  ) {}

  /**
   * Starts vCPU `id`, 1..3, which the domain must have. Ends the guest if Xen refuses: -ENOENT for a vCPU that
   * the domain has not, -EEXIST for one that was initialised already.
   */
  static start(id: u32, how: VcpuStart = VcpuStart.HYPERCALL): Vcpu {
    const name = "vCPU " + id.toString();
    const port = <u32>checked("EVTCHNOP_bind_ipi of " + name, evtchn.bindIpi(id));
    checked("EVTCHNOP_unmask of " + name, evtchn.unmask(port));
    checked("start of " + name, vcpu_start(id, how, port));
    return new Vcpu(id, port);
  }

  /** Whether it has finished its last order. */
  get idle(): bool {
    return vcpu_done(this.id) != 0;
  }

  /** What its last order came to: Xen's own number. */
  get result(): i64 {
    return vcpu_result(this.id);
  }

  /** Turns of the loop that its order makes, so far. */
  get progress(): u64 {
    return vcpu_progress(this.id);
  }

  private give(order: Order, argument: u64): void {
    assert(vcpu_order(this.id, order, argument), "the vCPU has not finished its last order");
    this.wake();
    /* Both events would be one if the next were sent before this one is used up. */
    while (!vcpu_taken(this.id)) sched.yield();
  }

  /** Sends it its event: what ends its block() or poll(). */
  wake(): void {
    checked("EVTCHNOP_send", evtchn.send(this.port));
  }

  /** SCHEDOP_yield, `count` times. */
  yield(count: u64): void {
    this.give(Order.YIELD, count);
  }

  /** SCHEDOP_block, until wake(). */
  block(): void {
    this.give(Order.BLOCK, 0);
  }

  /** SCHEDOP_poll on its own port, until wake() or Xen system time `deadline` (ns; 0: none). */
  poll(deadline: u64 = 0): void {
    this.give(Order.POLL, deadline);
  }

  /** Keeps its CPU busy for `ticks` of the time stamp counter. */
  spin(ticks: u64): void {
    this.give(Order.SPIN, rdtsc() + ticks);
  }

  /**
   * EVTCHNOP_send, `count` times: each waits until the one before was taken, and for a moment that is another each
   * time. -ETIME if one is not taken. For a port of the 2-level ABI.
   */
  send(port: u32, count: u32): void {
    this.give(Order.SEND, ((<u64>count) << 32) | port);
  }

  /** VCPUOP_down. The last vCPU that goes down powers the domain off. */
  down(): void {
    this.give(Order.DOWN, 0);
  }

  /** VCPUOP_up: it goes on after its down(). */
  up(): i64 {
    return vcpu_op(VCPUOP_up, this.id, 0);
  }

  /** VCPUOP_is_up: 1 or 0. */
  get isUp(): i64 {
    return vcpu_op(VCPUOP_is_up, this.id, 0);
  }

  /** Waits until its order is finished; false if that takes longer than `ns`. */
  wait(ns: u64 = 1_000_000_000): bool {
    const deadline = systemTime() + ns;
    while (!this.idle) {
      if (systemTime() >= deadline) return false;
      sched.yield();
    }
    return true;
  }
}
