// What must survive a soft reset: all of the kernel that asked for it. Its code goes on behind the hypercall with its
// memory, its stack and its registers, and prepares the jump from there. Beside that, what the toolstack set up once and a
// next kernel needs: the HVM parameters with the rings' frames, the memory limit, the vCPUs.
//
// The reset makes no difference to any of these: in the controls the scenario changes the thing itself.

import {
  HVMOP_get_param,
  HVM_PARAM_CALLBACK_IRQ,
  HVM_PARAM_CONSOLE_PFN,
  HVM_PARAM_STORE_PFN,
  xen_hvm_param,
} from "xenlet/abi/hvm";
import { SCHEDOP_shutdown } from "xenlet/abi/sched";
import { VCPUOP_down, VCPUOP_is_up } from "xenlet/abi/vcpu";
import { DOMID_SELF } from "xenlet/abi/xen";
import { hvm_op, sched_op, vcpu_op } from "xenlet/hypercall";
import { rdtsc, vcpu_progress } from "xenlet/intrinsics";
import { sched } from "xenlet/sched";
import { systemTime } from "xenlet/time";
import { DomainConfig } from "xenlet/toolstack/builder";
import { Vcpu } from "xenlet/vcpu";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const WASM_PAGE: u32 = 0x10000;

const param = changetype<xen_hvm_param>(memory.data(offsetof<xen_hvm_param>(), 8));

function getParam(index: u32): u64 {
  param.domid = DOMID_SELF;
  param.index = index;
  return hvm_op(HVMOP_get_param, changetype<usize>(param)) < 0 ? u64.MAX_VALUE : param.value;
}

/** A different word for each address. */
@inline function patternAt(at: usize): u64 {
  return <u64>at * 0x9e3779b97f4a7c15 + 0x5eed;
}

/** All RAM that is left: linear memory grows until there is no more. Returns where it began; it ends at memory.size(). */
function takeAllMemory(): usize {
  /* What reporting needs is there before. */
  heap.free(heap.alloc(2 * WASM_PAGE));
  const from = <usize>memory.size() * WASM_PAGE;
  while (memory.grow(1) != -1);
  return from;
}

export class Memory extends Scenario {
  constructor() {
    super("survives-memory");
  }

  guest(side: GuestSide): void {
    const from = takeAllMemory();
    const end = <usize>memory.size() * WASM_PAGE;
    for (let at = from; at < end; at += 8) store<u64>(at, patternAt(at));
    const depth = this.resetBelow(side, 40, 0x5eed);
    if (side.control) store<u64>(from + 0x1238, 0);
    let wrong: u64 = 0;
    for (let at = from; at < end; at += 8) if (load<u64>(at) != patternAt(at)) wrong++;
    side.check(
      "survives/memory",
      wrong == 0 && end - from > 4 << 20,
      wrong.toString() +
        " words changed in " +
        ((end - from) >> 10).toString() +
        " KiB of the domain's 8 MiB",
    );
    side.same(
      "survives/stack",
      "what forty callers hold on their stacks, summed up",
      side.control ? depth + 1 : depth,
      40 * 0x5eed + 820,
    );
  }

  /** Each caller keeps a number over the reset. */
  private resetBelow(side: GuestSide, depth: u64, kept: u64): u64 {
    if (depth == 0) {
      side.reset();
      return 0;
    }
    return this.resetBelow(side, depth - 1, kept) + kept + depth;
  }
}

export class CallAndParameters extends Scenario {
  constructor() {
    super("survives-call");
  }

  guest(side: GuestSide): void {
    const callback = getParam(HVM_PARAM_CALLBACK_IRQ);
    const store = getParam(HVM_PARAM_STORE_PFN);
    const console = getParam(HVM_PARAM_CONSOLE_PFN);
    const before = systemTime();
    /* An address where there is nothing: the control's call is refused, and no reset is made. */
    const result = side.control ? sched_op(SCHEDOP_shutdown, 8) : side.requestReset();
    const callbackAfter = getParam(HVM_PARAM_CALLBACK_IRQ);
    if (side.control) side.requestReset();
    side.attach();
    const elapsed = systemTime() - before;
    side.result("survives/return-value", "SCHEDOP_shutdown(SHUTDOWN_soft_reset)", result, 0);
    side.same(
      "survives/callback",
      "HVM_PARAM_CALLBACK_IRQ",
      side.control ? callbackAfter + 1 : callbackAfter,
      callback,
    );
    side.same(
      "survives/store-frame",
      "HVM_PARAM_STORE_PFN",
      getParam(side.control ? HVM_PARAM_CONSOLE_PFN : HVM_PARAM_STORE_PFN),
      store,
    );
    side.same(
      "survives/console-frame",
      "HVM_PARAM_CONSOLE_PFN",
      getParam(side.control ? HVM_PARAM_STORE_PFN : HVM_PARAM_CONSOLE_PFN),
      console,
    );
    side.check(
      "survives/system-time",
      elapsed > 0 && elapsed < (side.control ? 1 : 5_000_000_000),
      "Xen system time went on by " + elapsed.toString() + " ns",
    );
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    const before = domain.info();
    const result = side.guest.softReset();
    if (side.control) domain.setMaxMemory(4096);
    const after = domain.info();
    side.same("survives/memory-limit", "the pages that the domain may have", after.maxPages, before.maxPages);
    return result == 0;
  }
}

/** Another vCPU: the reset stops it for as long as the domain is shut down, and lets it go on. */
export class OtherVcpu extends Scenario {
  private online: u32 = 0;

  constructor() {
    super("survives-other-vcpu");
  }

  configure(config: DomainConfig): void {
    config.kind.vcpus = 3;
  }

  guest(side: GuestSide): void {
    const other = Vcpu.start(1);
    Vcpu.start(2);
    vcpu_op(VCPUOP_down, 2, 0);
    if (!other) throw new Error("vCPU 1 did not start");
    other.yield((<u64>1) << 40);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    if (side.control) {
      vcpu_op(VCPUOP_down, 1, 0);
      vcpu_op(1, 2, 0); /* VCPUOP_up */
    }
    const from = vcpu_progress(1);
    const start = rdtsc();
    /* It may have no CPU of its own: give it this one. */
    while (vcpu_progress(1) == from && rdtsc() - start < 500_000_000) sched.yield();
    const went = vcpu_progress(1) != from;
    const down = vcpu_op(VCPUOP_is_up, 2, 0);
    vcpu_op(VCPUOP_down, 1, 0);
    side.attach();
    side.check(
      "survives/other-vcpu-runs",
      went,
      "vCPU 1, which counted before the reset, " + (went ? "counts on" : "counts no more"),
    );
    side.result("survives/other-vcpu-down", "VCPUOP_is_up of a vCPU that was down", down, 0);
  }

  onSoftReset(side: ToolstackSide): bool {
    const guest = side.guest;
    const before = guest.domain.info().onlineVcpus;
    guest.domain.pause();
    const result = guest.domain.softReset();
    const after = guest.domain.info().onlineVcpus;
    side.same("survives/vcpus-online", "online vCPUs", side.control ? before + 1 : after, before);
    guest.reconnect();
    guest.domain.unpause();
    return result == 0;
  }
}
