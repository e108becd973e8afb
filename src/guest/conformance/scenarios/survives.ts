// What a domain keeps as seen by others: its number, its limits, its HVM parameters, its clock, its vCPUs. To
// everybody but the guest it is the same domain: no toolstack has to find it again, no backend has to look up who it
// is, and the next kernel finds its rings where HVM_PARAM_{CONSOLE,STORE}_PFN say, as the first one did.
//
// The other vCPUs are stopped for the shutdown and run on after it, in the middle of what they did; one that was down
// stays down, and initialised. To a kernel that jumps this means: take them down first, and bring them to their start by
// INIT, since VCPUOP_initialise is refused.
//
// The control breaks what is looked at: the toolstack sets another limit or parameter, the guest brings the vCPU up, or
// resets it, or asks about another channel.

import { checked, evtchn, sched, systemTime, Vcpu } from "xenlet";
import {
  HVM_PARAM_CALLBACK_IRQ,
  HVM_PARAM_CONSOLE_EVTCHN,
  HVM_PARAM_CONSOLE_PFN,
  HVM_PARAM_STORE_PFN,
} from "xenlet/raw/abi/hvm";
import { VCPUOP_down, VCPUOP_initialise, VCPUOP_is_up } from "xenlet/raw/abi/vcpu";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { rdtsc } from "xenlet/raw/cpu";
import { hvmParam } from "xenlet/raw/hvm-param";
import { vcpu_op } from "xenlet/raw/hypercall";
import { vcpu_reset } from "xenlet/raw/vcpu";
import { Domain } from "xenlet/toolstack";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const REQUESTED = "requested at ";
const BACK = "back at ";
const MORE_KIB: u64 = 64 << 10;

/** Who is at the other end of a channel of this domain: Xen says it by number. */
function peerOf(port: i64): u64 {
  const status = evtchn.status(<u32>port);
  return status.result == 0 ? status.domain : <u64>status.result;
}

/** This domain's own number, by a channel from itself to itself. */
function ownNumber(): u64 {
  const offered = <u32>checked("EVTCHNOP_alloc_unbound", evtchn.allocUnbound(DOMID_SELF));
  return peerOf(checked("EVTCHNOP_bind_interdomain", evtchn.bindInterdomain(DOMID_SELF, offered)));
}

/** The parameter by its index, and as a check is called. */
class Param {
  before: u64 = 0;

  constructor(
    readonly index: u32,
    readonly name: string,
    readonly what: string,
  ) {}
}

const SURVIVES = scenario({ name: "survives", area: "What survives" });
const CALLBACK = SURVIVES.check({
  name: "survives/callback",
  title: "HVM_PARAM_CALLBACK_IRQ keeps its value",
  notUnderXl: SEEN_FROM_DOM0,
});
const STORE_FRAME = SURVIVES.check({
  name: "survives/store-frame",
  title: "The store's ring keeps its frame",
  notUnderXl: SEEN_FROM_DOM0,
});
const CONSOLE_FRAME = SURVIVES.check({
  name: "survives/console-frame",
  title: "The console's ring keeps its frame",
  notUnderXl: SEEN_FROM_DOM0,
});
const MEMORY_LIMIT = SURVIVES.check({
  name: "survives/memory-limit",
  title: "The domain's memory limit is unchanged",
  notUnderXl: SEEN_FROM_DOM0,
});
const SYSTEM_TIME = SURVIVES.check({
  name: "survives/system-time",
  title: "Xen system time continues",
  notUnderXl: SEEN_FROM_DOM0,
});
const DOMAIN_NUMBER = SURVIVES.check({
  name: "survives/domain-number",
  title: "The domain keeps its domid",
});

export class Survives extends Scenario {
  private params: Array<Param> = [
    new Param(HVM_PARAM_CALLBACK_IRQ, CALLBACK, "HVM_PARAM_CALLBACK_IRQ"),
    new Param(HVM_PARAM_STORE_PFN, STORE_FRAME, "HVM_PARAM_STORE_PFN"),
    new Param(HVM_PARAM_CONSOLE_PFN, CONSOLE_FRAME, "HVM_PARAM_CONSOLE_PFN"),
  ];
  private requested: u64 = 0;
  private reset: u64 = 0;
  private back: u64 = 0;

  constructor() {
    super(SURVIVES);
  }

  guest(side: GuestSide): void {
    const number = ownNumber();
    const before = systemTime();
    console.log(REQUESTED + before.toString());
    side.reset();
    const after = systemTime();
    /* A clock that stood still. */
    console.log(BACK + (side.control ? before : after).toString());
    const numberAfter = side.control ? peerOf(hvmParam(HVM_PARAM_CONSOLE_EVTCHN)) : ownNumber();
    side.same(DOMAIN_NUMBER, "the domain's own number", numberAfter, number);
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line.startsWith(REQUESTED)) this.requested = U64.parseInt(line.substring(REQUESTED.length));
    else if (line.startsWith(BACK)) this.back = U64.parseInt(line.substring(BACK.length));
  }

  toolstack(side: ToolstackSide): void {
    super.toolstack(side);
    side.check(
      SYSTEM_TIME,
      this.requested > 0 && this.requested <= this.reset && this.reset <= this.back,
      "ns from the request to the reset, by dom0's clock: " +
        (<i64>(this.reset - this.requested)).toString() +
        ", and on to the guest's return: " +
        (<i64>(this.back - this.reset)).toString(),
    );
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    const limit = domain.info().maxPages;
    for (let i = 0; i < this.params.length; i++)
      this.params[i].before = domain.getParam(this.params[i].index);
    this.reset = systemTime();
    if (side.resetPaused() != 0) return false;
    if (side.control) this.spoil(domain, limit);
    side.same(MEMORY_LIMIT, "pages that it may have", domain.info().maxPages, limit);
    for (let i = 0; i < this.params.length; i++) {
      const param = this.params[i];
      side.same(param.name, param.what, domain.getParam(param.index), param.before);
      if (side.control) domain.setParam(param.index, param.before);
    }
    side.goOn();
    return true;
  }

  private spoil(domain: Domain, limit: u64): void {
    domain.setMaxMemory(limit * 4 + MORE_KIB);
    domain.setParam(HVM_PARAM_CALLBACK_IRQ, 0);
    domain.setParam(HVM_PARAM_STORE_PFN, 1);
    domain.setParam(HVM_PARAM_CONSOLE_PFN, 1);
  }
}

const RUNNING: u32 = 1;
const DOWN: u32 = 2;
/** Ticks of the time stamp counter: as long as it takes, and how long it may take a vCPU to get its turn. */
const FOR_EVER: u64 = 1 << 60;
const A_TURN: u64 = 4_000_000_000;

/** Larger than struct vcpu_hvm_context, which no vCPU that is initialised gets as far as. */
const context: usize = memory.data(512, 8);

const SURVIVES_VCPUS = scenario({ name: "survives-vcpus", area: "What survives", vcpus: 3 });
const OTHER_VCPU_RUNS = SURVIVES_VCPUS.check({
  name: "survives/other-vcpu-runs",
  title: "Another vCPU that was running continues where it was",
});
const OTHER_VCPU_DOWN = SURVIVES_VCPUS.check({
  name: "survives/other-vcpu-down",
  title: "Another vCPU that was down stays down",
});
const VCPUS_ONLINE = SURVIVES_VCPUS.check({
  name: "survives/vcpus-online",
  title: "As many vCPUs are online after the reset as before",
  notUnderXl: SEEN_FROM_DOM0,
});
const OTHER_VCPU_INITIALISED = SURVIVES_VCPUS.check({
  name: "survives/other-vcpu-initialised",
  title: "Another vCPU stays initialised: VCPUOP_initialise is refused with -EEXIST",
});

/** The other vCPUs. */
export class SurvivesVcpus extends Scenario {
  constructor() {
    super(SURVIVES_VCPUS);
  }

  guest(side: GuestSide): void {
    const running = Vcpu.start(RUNNING);
    Vcpu.start(DOWN);
    if (!side.control) checked("VCPUOP_down", vcpu_op(VCPUOP_down, DOWN, 0));
    running.spin(FOR_EVER);

    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    if (side.control) vcpu_op(VCPUOP_down, RUNNING, 0);
    const from = running.progress;
    const deadline = rdtsc() + (side.control ? A_TURN / 40 : A_TURN);
    while (running.progress == from && rdtsc() < deadline) sched.yield();
    const turns = running.progress - from;
    const isUp = vcpu_op(VCPUOP_is_up, DOWN, 0);
    if (side.control) vcpu_reset(RUNNING);
    const initialised = vcpu_op(VCPUOP_initialise, RUNNING, context);
    side.attach();
    side.check(
      OTHER_VCPU_RUNS,
      turns > 0 && !running.idle,
      "turns of vCPU 1's loop since the reset: " + turns.toString(),
    );
    side.result(OTHER_VCPU_DOWN, "VCPUOP_is_up of the vCPU that was down", isUp, 0);
    side.result(OTHER_VCPU_INITIALISED, "VCPUOP_initialise of vCPU 1", initialised, -17);
  }

  onSoftReset(side: ToolstackSide): bool {
    if (side.resetPaused() != 0) return false;
    const info = side.guest.domain.info();
    side.check(
      VCPUS_ONLINE,
      info.maxVcpuId == 2 && info.onlineVcpus == 2,
      "vCPUs: " + (info.maxVcpuId + 1).toString() + ", of which are not down: " + info.onlineVcpus.toString(),
    );
    side.goOn();
    return true;
  }
}
