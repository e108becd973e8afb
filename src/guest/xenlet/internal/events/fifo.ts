// The FIFO ABI: 131,072 ports, and sixteen queues by priority in place of bit maps. xen/common/event_fifo.c (4.17).
//
//   control block   ready: a bit for each queue that Xen put an event on when it was empty
//                   head[priority]: the queue's first port
//   event array     a 32-bit word for each port: PENDING | MASKED | LINKED | BUSY | ... | LINK
//                   LINK: the next port of its queue, 0 at the tail
//
// Xen appends: it sets PENDING, then LINKED unless the port is masked or linked already, then the tail's LINK, but
// only while the tail itself is LINKED. We consume from the head: taking LINKED and LINK off a word in one step
// either gives the successor, or tells Xen that the queue has ended there, and it begins a new one at head[].
// A port on a queue whose PENDING bit has been cleared, or that was masked since, is skipped: unmasking queues it again.

import { checked, event_channel_op } from "../../raw/hypercall";
import {
  clear_bit,
  compare_exchange32,
  exchange64,
  frame_of,
  load32,
  set_bit,
  shared_alloc,
  store32,
  take_upcall,
} from "../intrinsics";
import {
  CONTROL_BLOCK_HEAD,
  CONTROL_BLOCK_READY,
  EVTCHNOP_expand_array,
  EVTCHNOP_init_control,
  EVTCHN_FIFO_LINKED,
  EVTCHN_FIFO_LINK_MASK,
  EVTCHN_FIFO_MASKED,
  EVTCHN_FIFO_NR_CHANNELS,
  EVTCHN_FIFO_PENDING,
  EVTCHN_FIFO_PRIORITY_MIN,
  evtchn_expand_array,
  evtchn_init_control,
} from "../../raw/abi/event_channel";
import { ENOMEM } from "../../raw/errno";
import { EventAbi } from "./port-abi";
import { EVENT_VCPUS, fifoControl, isNotified, setFifoControl, setFifoPages, setOwner } from "./event-view";

const PAGE_SIZE: u32 = 4096;
const WORDS_PER_PAGE: u32 = 1024;
const QUEUES: u32 = EVTCHN_FIFO_PRIORITY_MIN + 1;
/** The vCPUs' control blocks lie in one page: 72 bytes, and Xen wants them aligned to 8. */
const CONTROL_BLOCK_SPACING: u32 = 128;

@lazy const argument: usize = memory.data(offsetof<evtchn_init_control>(), 8);

export class Fifo extends EventAbi {
  private control: usize = 0;
  /** The event array's pages: where each is mapped. Xen has those of the first `covered` ports. */
  private pages: Array<usize> = [];
  private covered: u32 = 0;
  /** Queues that may hold more, and where each continues; 0: where the control block says. */
  private ready: u32 = 0;
  private heads: StaticArray<u32> = new StaticArray<u32>(QUEUES);

  get ports(): u32 {
    return EVTCHN_FIFO_NR_CHANNELS;
  }

  /**
   * Switches the domain from `before`, the ABI in use, to this one. Ports keep their mask, and what is pending stays so.
   * Returns 0; -EINVAL if FIFO is in use already; -ENOMEM.
   */
  start(before: EventAbi): i64 {
    if (this.control == 0) this.control = shared_alloc(1);
    if (this.control == 0 || !this.hasPagesFor(before.ports)) return -ENOMEM;
    for (let at: u32 = 0; at < PAGE_SIZE; at += 4) store32(this.control + at, 0);
    this.ready = this.covered = 0;
    this.heads.fill(0);

    const result = this.initControl(0);
    if (result < 0) return result;
    for (let vcpu: u32 = 1; vcpu < EVENT_VCPUS; vcpu++)
      if (isNotified(vcpu)) checked("EVTCHNOP_init_control of vCPU " + vcpu.toString(), this.reach(vcpu));
    /* Xen holds back what was pending until the array has its word: by then the mask must be right. From here
     * on there is no way back but EVTCHNOP_reset. */
    while (this.covered < before.ports) checked("EVTCHNOP_expand_array", this.expand(before));
    return 0;
  }

  private initControl(vcpu: u32): i64 {
    const a = changetype<evtchn_init_control>(argument);
    a.control_gfn = frame_of(this.control);
    a.offset = vcpu * CONTROL_BLOCK_SPACING;
    a.vcpu = vcpu;
    return event_channel_op(EVTCHNOP_init_control, argument);
  }

  /** Gives Xen the control block of a vCPU, without which it drops that vCPU's events. */
  private reach(vcpu: u32): i64 {
    if (fifoControl(vcpu) != 0) return 0;
    const result = this.initControl(vcpu);
    if (result < 0) return result;
    setFifoControl(vcpu, this.control + vcpu * CONTROL_BLOCK_SPACING);
    setFifoPages(this.pages);
    return 0;
  }

  route(port: u32, vcpu: u32): i64 {
    setOwner(port, vcpu);
    return vcpu == 0 ? 0 : this.reach(vcpu);
  }

  cover(port: u32): i64 {
    while (port >= this.covered) {
      if (!this.hasPagesFor(this.covered + 1)) return -ENOMEM;
      const failure = this.expand(null);
      if (failure < 0) return failure;
    }
    return 0;
  }

  private hasPagesFor(ports: u32): bool {
    while (<u32>this.pages.length * WORDS_PER_PAGE < ports) {
      const page = shared_alloc(1);
      if (page == 0) return false;
      this.pages.push(page);
    }
    return true;
  }

  /** Gives Xen another page of the event array. Its ports are masked, but for those that `before` has unmasked. */
  private expand(before: EventAbi | null): i64 {
    const page = this.pages[this.covered / WORDS_PER_PAGE];
    for (let i: u32 = 0; i < WORDS_PER_PAGE; i++) {
      const masked = before ? before.isMasked(this.covered + i) : true;
      store32(page + i * 4, (<u32>masked) << EVTCHN_FIFO_MASKED);
    }
    changetype<evtchn_expand_array>(argument).array_gfn = frame_of(page);
    const result = event_channel_op(EVTCHNOP_expand_array, argument);
    if (result < 0) return result;
    this.covered += WORDS_PER_PAGE;
    setFifoPages(this.pages);
    return 0;
  }

  isPending(port: u32): bool {
    return port < this.covered && this.has(port, EVTCHN_FIFO_PENDING);
  }

  isMasked(port: u32): bool {
    return port >= this.covered || this.has(port, EVTCHN_FIFO_MASKED);
  }

  pendingBit(port: u32): u32 {
    return (<u32>1) << EVTCHN_FIFO_PENDING;
  }

  pendingWord(port: u32): usize {
    return this.pageOf(port) + (port % WORDS_PER_PAGE) * 4;
  }

  unmaskedPorts(): Array<u32> {
    const ports: Array<u32> = [];
    for (let port: u32 = 0; port < this.covered; port++) if (!this.isMasked(port)) ports.push(port);
    return ports;
  }

  clear(port: u32): bool {
    if (port >= this.covered) return false;
    return clear_bit(this.pageOf(port), bitOf(port, EVTCHN_FIFO_PENDING)) != 0;
  }

  mask(port: u32): void {
    if (port < this.covered) set_bit(this.pageOf(port), bitOf(port, EVTCHN_FIFO_MASKED));
  }

  /** Highest priority first, and within a priority in the order in which the events were raised. */
  scan(): u32 {
    take_upcall();
    let ready = this.ready | (<u32>exchange64(this.control + CONTROL_BLOCK_READY, 0)); // and a reserved word, 0
    while (ready != 0) {
      const queue = ctz(ready);
      let port = unchecked(this.heads[queue]);
      if (port == 0) port = load32(this.control + CONTROL_BLOCK_HEAD + queue * 4);
      const next = this.unlink(port);
      unchecked((this.heads[queue] = next));
      if (next == 0) ready &= ~((<u32>1) << queue);
      if (this.isPending(port) && !this.isMasked(port)) {
        this.ready = ready;
        this.clear(port);
        return port;
      }
    }
    this.ready = 0;
    return 0;
  }

  /** Takes the port off its queue; returns its successor, 0 if it was the tail. */
  private unlink(port: u32): u32 {
    const at = this.pageOf(port) + (port % WORDS_PER_PAGE) * 4;
    let word = load32(at);
    while (true) {
      const seen = compare_exchange32(at, word, word & ~((1 << EVTCHN_FIFO_LINKED) | EVTCHN_FIFO_LINK_MASK));
      if (seen == word) return word & EVTCHN_FIFO_LINK_MASK;
      word = seen;
    }
  }

  @inline private has(port: u32, bit: u32): bool {
    return ((load32(this.pageOf(port) + (port % WORDS_PER_PAGE) * 4) >> bit) & 1) != 0;
  }

  @inline private pageOf(port: u32): usize {
    return this.pages[port / WORDS_PER_PAGE];
  }

  reset(): void {
    this.ready = this.covered = 0;
  }
}

/** Bit `bit` of the port's word, counted from its page's begin. */
@inline function bitOf(port: u32, bit: u32): u32 {
  return (port % WORDS_PER_PAGE) * 32 + bit;
}
