// Many ports, on several vCPUs. A reset closes all of a domain's ports, in steps of 64, whichever vCPU each notifies and
// wherever its pending bit is (evtchn_reset(), xen/common/event_channel.c): up to 4,095 of the 2-level ABI, and of the FIFO ABI as
// many as the domain has, with a control block on each vCPU. A Xen that left the high ones would fail a large guest only, and one that
// left a control block would write into the next kernel's memory, and refuse it its own.
//
// A port that is closed notifies vCPU 0 when it is opened again: what it was moved to is forgotten with it.
//
// Without the reset, in the control, all of it is still there.

import { checked, describeResult, evtchn } from "xenlet";
import { EVTCHNSTAT_closed } from "xenlet/raw/abi/event_channel";
import { SHARED_INFO_EVTCHN_PENDING, VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { interrupts_off, interrupts_on } from "xenlet/raw/cpu";
import { frame_of, load32, load64, shared_alloc, store32 } from "xenlet/raw/memory";
import { sharedInfo, vcpuInfo } from "xenlet/raw/shared-info";
import { DONE_BY_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { preempted_domctl, preemptions } from "../probes";
import { bindIpi, expandArray, initControl, mapSharedInfo, softResetArgument } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const MANY_PORTS = scenario({ name: "many-ports", area: "Event channels", costMs: 2000 });
const MANY_CLOSED = MANY_PORTS.check({
  name: "event-channels/all-closed",
  title: "All of 4,000 ports are closed by the reset",
  broken: "until 4.14.0, above a limit that was lowered: XSA-338",
});
const MANY_NOT_PENDING = MANY_PORTS.check({
  name: "event-channels/high-pending-cleared",
  title: "Pending events of high ports are cleared by the reset",
});
const AS_MANY_AGAIN = MANY_PORTS.check({
  name: "event-channels/as-many-again",
  title: "A domain can bind as many ports after the reset as before",
});

const PREEMPTED = MANY_PORTS.check({
  name: "event-channels/preempted-reset-completes",
  title: "A reset that Xen preempted for dom0's events is completed when dom0 repeats the call",
  notUnderXl: DONE_BY_DOM0,
  broken: "until 4.14.0, which could not be preempted: XSA-344",
});

const FIFO_MANY = scenario({ name: "fifo-many", area: "FIFO events", vcpus: 3, costMs: 2000 });
const FIFO_CLOSED = FIFO_MANY.check({
  name: "fifo/all-closed",
  title: "All of 5,000 FIFO ports on three vCPUs are closed by the reset",
});
const FIFO_NOT_PENDING = FIFO_MANY.check({
  name: "fifo/array-pending-cleared",
  title: "No event is left pending in the old kernel's event array",
});
const FIFO_BLOCKS_AGAIN = FIFO_MANY.check({
  name: "fifo/control-blocks-again",
  title: "A control block can be registered again for each of several vCPUs",
});
const FIFO_DELIVERS = FIFO_MANY.check({
  name: "fifo/delivers-to-others",
  title: "Events of another vCPU are queued in the control block that the next kernel registered",
});
const BINDING_FORGOTTEN = FIFO_MANY.check({
  name: "event-channels/binding-forgotten",
  area: "Event channels",
  title: "A port that was moved to another vCPU notifies vCPU 0 again when it is reused after the reset",
});
const FIFO_OLD_ALONE = FIFO_MANY.check({
  name: "fifo/old-blocks-left-alone",
  title: "Xen no longer writes to control blocks and event array registered before the reset",
});

const PORTS: u32 = 4000;
const FIFO_PORTS: u32 = 5000;
const VCPUS: u32 = 3;
const WORDS_PER_PAGE: u32 = 1024;
const ARRAY_PAGES: u32 = (FIFO_PORTS + WORDS_PER_PAGE) / WORDS_PER_PAGE;
/** event_channel.h: a word of the event array. */
const FIFO_PENDING: u32 = 1 << 31;
const FIFO_MASKED: u32 = 1 << 30;
const PAGE_WORDS: u32 = 1024;

/** How many ports from `from` to `to` are in use. */
function countOpen(from: u32, to: u32): u32 {
  let open: u32 = 0;
  for (let port = from; port <= to; port++) {
    const status = evtchn.status(port);
    if (status.result == 0 && status.state != EVTCHNSTAT_closed) open++;
  }
  return open;
}

export class ManyPorts extends Scenario {
  constructor() {
    super(MANY_PORTS);
  }

  guest(side: GuestSide): void {
    const page = sharedInfo();
    const moved = <u32>checked("EVTCHNOP_alloc_unbound", evtchn.allocUnbound(0));
    let last: u32 = 0;
    while (last < PORTS) last = <u32>checked("EVTCHNOP_bind_ipi", bindIpi(0));
    const first = moved + 1;
    /* All masked: they are not taken. */
    for (let port = first; port <= last; port += 97) evtchn.send(port);
    evtchn.send(last);
    interrupts_off();
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    const open = countOpen(first, last);
    mapSharedInfo(frame_of(page));
    let pending: u32 = 0;
    for (let word: u32 = 1; word < 64; word++)
      if (load64(page + SHARED_INFO_EVTCHN_PENDING + word * 8) != 0) pending++;
    let highest: i64 = 0;
    let bound: u32 = 0;
    while (highest >= 0 && highest < <i64>last) {
      highest = bindIpi(0);
      bound++;
    }
    side.attach();
    side.same(MANY_CLOSED, "of " + (last - first + 1).toString() + " ports, so many are open", open, 0);
    side.same(MANY_NOT_PENDING, "words of evtchn_pending with a bit set, of 63", pending, 0);
    side.check(
      AS_MANY_AGAIN,
      highest == <i64>last && bound > last - first,
      bound.toString() + " ports can be bound, the last is " + describeResult(highest),
    );
  }

  /** The toolstack has an event to take after the first 64 ports. */
  onSoftReset(side: ToolstackSide): bool {
    if (side.control) return side.resetOrResume() == 0;
    const domain = side.guest.domain;
    domain.pause();
    interrupts_off();
    const result = preempted_domctl(
      softResetArgument(domain.id),
      vcpuInfo() + VCPU_INFO_EVTCHN_UPCALL_PENDING,
    );
    const left = preemptions();
    interrupts_on();
    side.check(
      PREEMPTED,
      result == 0 && left > 0,
      "XEN_DOMCTL_soft_reset, left " + left.toString() + " times = " + describeResult(result),
    );
    side.goOn();
    return result == 0;
  }

  toolstack(side: ToolstackSide): void {
    super.toolstack(side);
    /* No reset, and none left in its middle. */
    if (side.control) side.check(PREEMPTED, false, "there was no reset");
  }
}

export class FifoMany extends Scenario {
  constructor() {
    super(FIFO_MANY);
  }

  private blocks(): Array<usize> {
    const pages: Array<usize> = [];
    for (let vcpu: u32 = 0; vcpu < VCPUS; vcpu++) pages.push(shared_alloc(1));
    return pages;
  }

  /** Gives each vCPU its control block, and Xen the event array. The first refusal, or 0. */
  private start(blocks: Array<usize>, array: usize, pages: u32): i64 {
    let failure: i64 = 0;
    for (let vcpu: u32 = 0; vcpu < VCPUS; vcpu++) {
      const result = initControl(vcpu, blocks[vcpu]);
      if (failure == 0) failure = result;
    }
    for (let i: u32 = 0; i < pages; i++) {
      for (let word: u32 = 0; word < PAGE_WORDS; word++) store32(array + i * 4096 + word * 4, FIFO_MASKED);
      const result = expandArray(array + i * 4096);
      if (failure == 0) failure = result;
    }
    return failure;
  }

  private countPending(array: usize): u32 {
    let pending: u32 = 0;
    for (let word: u32 = 0; word < ARRAY_PAGES * PAGE_WORDS; word++)
      if ((load32(array + word * 4) & FIFO_PENDING) != 0) pending++;
    return pending;
  }

  guest(side: GuestSide): void {
    const array = shared_alloc(ARRAY_PAGES);
    const nextArray = shared_alloc(1);
    const blocks = this.blocks();
    const nextBlocks = this.blocks();
    /* The runtime has the 2-level ABI in mind; nothing of it looks at events until attach(). */
    interrupts_off();
    const moved = <u32>checked("EVTCHNOP_alloc_unbound", evtchn.allocUnbound(0));
    checked("EVTCHNOP_init_control", this.start(blocks, array, ARRAY_PAGES));
    checked("EVTCHNOP_bind_vcpu", evtchn.bindVcpu(moved, 2));
    const first = moved + 1;
    let last: u32 = 0;
    for (let i: u32 = 0; last < FIFO_PORTS; i++) last = <u32>checked("EVTCHNOP_bind_ipi", bindIpi(i % VCPUS));
    for (let port = first; port <= last; port += 97) evtchn.send(port);
    evtchn.send(last);
    const pendingBefore = this.countPending(array);

    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    const open = countOpen(first, last);
    const pending = this.countPending(array);
    /* What the old kernel's memory holds from now on is the next one's. */
    for (let i: u32 = 0; i < PAGE_WORDS; i++) {
      store32(array + i * 4, FIFO_MASKED);
      for (let vcpu: u32 = 0; vcpu < VCPUS; vcpu++) store32(blocks[vcpu] + i * 4, 0);
    }
    const again = this.start(nextBlocks, nextArray, 1);
    const reused = <u32>max(<i64>0, evtchn.allocUnbound(0));
    const status = evtchn.status(moved);
    /* One event for each vCPU, unmasked. */
    let delivered = 0;
    let written = 0;
    for (let vcpu: u32 = 0; vcpu < VCPUS; vcpu++) {
      const port = <u32>max(<i64>0, bindIpi(vcpu));
      evtchn.unmask(port);
      evtchn.send(port);
      if (load32(nextBlocks[vcpu]) != 0) delivered++;
      if (load32(blocks[vcpu]) != 0) written++;
    }
    for (let i: u32 = 0; i < PAGE_WORDS; i++) if (load32(array + i * 4) != FIFO_MASKED) written++;
    side.attach();
    side.same(FIFO_CLOSED, "of " + (last - first + 1).toString() + " ports, so many are open", open, 0);
    side.check(
      FIFO_NOT_PENDING,
      pendingBefore > 40 && pending == 0,
      "events pending in the event array: " +
        pendingBefore.toString() +
        ", and after the reset " +
        pending.toString(),
    );
    side.result(
      FIFO_BLOCKS_AGAIN,
      "EVTCHNOP_init_control of vCPUs 0 to 2, and EVTCHNOP_expand_array",
      again,
      0,
    );
    side.same(FIFO_DELIVERS, "of three new control blocks, so many have a queue that is ready", delivered, 3);
    side.same(FIFO_OLD_ALONE, "words that Xen wrote in the old ones, and in the event array", written, 0);
    side.check(
      BINDING_FORGOTTEN,
      reused == moved && status.result == 0 && status.vcpu == 0,
      "port " +
        moved.toString() +
        " was moved to vCPU 2; port " +
        reused.toString() +
        " notifies vCPU " +
        status.vcpu.toString(),
    );
  }
}
