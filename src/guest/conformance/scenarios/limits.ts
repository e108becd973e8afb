// Limits and modes of a domain that its toolstack or its kernel has set, and that nothing of the old kernel's is tied to: a soft
// reset leaves them. A toolstack sets its limits once, when it makes the domain; one that came back as Xen's default would let the
// next kernel take more than it may have, or give it less than it counts on, and nothing would notice.
//
// The second observer is Xen itself: debug key q tells what no call does, vm_assist and how many references the domain has.
//
// In the control another limit was set, or the toolstack changes what is looked at.

import { describeResult, evtchn } from "xenlet";
import { gnttab_query_size, GNTTABOP_query_size } from "xenlet/raw/abi/grant_table";
import { SHUTDOWN_crash, SHUTDOWN_reboot } from "xenlet/raw/abi/sched";
import { RUNSTATE_INFO_SIZE, RUNSTATE_INFO_TIME, VCPUOP_get_runstate_info } from "xenlet/raw/abi/vcpu";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { interrupts_off } from "xenlet/raw/cpu";
import { grant_table_op, hypercall2, vcpu_op } from "xenlet/raw/hypercall";
import { load64 } from "xenlet/raw/memory";
import { DomainConfig } from "xenlet/toolstack";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { bindIpi } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";
import { countPorts, printedGeneral, printedPorts, restOfLine } from "../xen-prints";

const LIMITS = scenario({ name: "limits", area: "Limits and modes" });
const PORT_LIMIT = LIMITS.check({
  name: "limits/event-channels",
  title: "The domain's limit of event channels stays as its toolstack set it",
  notUnderXl: "the toolstack sets a limit of its own",
});
const FRAME_LIMIT = LIMITS.check({
  name: "limits/grant-frames",
  title: "The domain's limit of grant table frames stays as its toolstack set it",
  notUnderXl: "the toolstack sets a limit of its own",
});
const TRIPLE_FAULT = LIMITS.check({
  name: "limits/triple-fault-reason",
  title: "HVM_PARAM_TRIPLE_FAULT_REASON keeps its value",
  notUnderXl: SEEN_FROM_DOM0,
});
const RUNSTATE_TIMES = LIMITS.check({
  name: "limits/runstate-times",
  title: "A vCPU's runstate times keep counting from where they were",
});
const VM_ASSIST = LIMITS.check({
  name: "limits/vm-assist",
  title: "Modes enabled by HYPERVISOR_vm_assist stay enabled",
  notUnderXl: SEEN_FROM_DOM0,
});
const PAUSES = LIMITS.check({
  name: "limits/pauses",
  title: "No vCPU stays paused by the shutdown, as Xen itself prints",
  notUnderXl: SEEN_FROM_DOM0,
});
const NO_PORTS_LEFT = LIMITS.check({
  name: "limits/ports-as-printed",
  title: "Xen itself prints no event channel of the domain after the reset",
  notUnderXl: SEEN_FROM_DOM0,
});

const MAX_PORT: u32 = 100;
const MAX_FRAMES: u32 = 5;
/** hvm/params.h. */
const HVM_PARAM_TRIPLE_FAULT_REASON: u32 = 31;
/** xen.h. */
const __HYPERVISOR_vm_assist: u32 = 21;
const VMASST_CMD_enable: u32 = 0;
const VMASST_TYPE_runstate_update_flag: u32 = 5;
const SECOND: u64 = 1_000_000_000;

const runstate: usize = memory.data(<i32>RUNSTATE_INFO_SIZE, 8);
const size = changetype<gnttab_query_size>(memory.data(offsetof<gnttab_query_size>(), 8));

/** ns that vCPU 0 has spent running, and in all states together. */
function runstateTimes(): StaticArray<u64> {
  vcpu_op(VCPUOP_get_runstate_info, 0, runstate);
  let all: u64 = 0;
  for (let state: usize = 0; state < 4; state++) all += load64(runstate + RUNSTATE_INFO_TIME + state * 8);
  return [load64(runstate + RUNSTATE_INFO_TIME), all];
}

export class Limits extends Scenario {
  /** What the control's domain may have beyond it. */
  private more: u32 = 0;

  constructor() {
    super(LIMITS);
  }

  get controlIsReset(): bool {
    return true;
  }

  guest(side: GuestSide): void {
    const assist: i64 = side.control
      ? 0
      : hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag);
    if (assist != 0) throw new Error("HYPERVISOR_vm_assist = " + describeResult(assist));
    evtchn.bindIpi();
    interrupts_off();
    const before = runstateTimes();
    /* A clock that was set back would look like this. */
    if (side.control) before[0] += 3600 * SECOND;
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    const times = runstateTimes();
    let highest: i64 = 0;
    let last: i64 = 0;
    while (last >= 0 && last < 4000) {
      last = bindIpi(0);
      if (last > 0) highest = last;
    }
    size.dom = DOMID_SELF;
    grant_table_op(GNTTABOP_query_size, changetype<usize>(size), 1);
    const frames = size.max_nr_frames;
    side.attach();
    side.check(
      PORT_LIMIT,
      highest == MAX_PORT && last == -28,
      "the highest port is " + highest.toString() + ", the next one " + describeResult(last),
    );
    side.same(FRAME_LIMIT, "frames that the grant table may have", frames, MAX_FRAMES);
    side.check(
      RUNSTATE_TIMES,
      times[0] >= before[0] && times[1] >= before[1] && before[1] > 0,
      "ns that vCPU 0 has spent running, and altogether: " +
        before[0].toString() +
        " and " +
        before[1].toString() +
        ", then " +
        times[0].toString() +
        " and " +
        times[1].toString(),
    );
  }

  configure(config: DomainConfig): void {
    config.kind.maxEvtchnPort = MAX_PORT + this.more;
    config.kind.maxGrantFrames = MAX_FRAMES + this.more;
  }

  toolstack(side: ToolstackSide): void {
    this.more = u32(side.control);
    side.createPaused();
    side.guest.domain.setParam(HVM_PARAM_TRIPLE_FAULT_REASON, SHUTDOWN_crash);
    side.guest.domain.unpause();
    side.serve();
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    domain.pause();
    const printed = printedGeneral(domain);
    const result = side.accepted(domain.softReset());
    if (side.control) domain.setParam(HVM_PARAM_TRIPLE_FAULT_REASON, SHUTDOWN_reboot);
    const ports = printedPorts(domain);
    const now = printedGeneral(domain);
    const reason = domain.getParam(HVM_PARAM_TRIPLE_FAULT_REASON);
    side.same(TRIPLE_FAULT, "HVM_PARAM_TRIPLE_FAULT_REASON", reason, SHUTDOWN_crash);
    const assist = restOfLine(printed, "vm_assist=");
    const assistNow = restOfLine(now, "vm_assist=");
    side.check(
      VM_ASSIST,
      assist == assistNow && assistNow.endsWith("20"),
      "Xen prints vm_assist=" + assist + ", and after the reset " + assistNow,
    );
    /* The toolstack holds one pause of the domain; its vCPUs hold none. The control asks before the reset. */
    const looked = side.control ? printed : now;
    const pauses = restOfLine(looked, "    pause_count=");
    side.check(PAUSES, pauses.startsWith("0"), "Xen prints of vCPU 0: pause_count=" + pauses);
    /* The control has a port of dom0's offer again. */
    if (side.control) side.guest.reconnect();
    const portsNow = side.control ? printedPorts(domain) : ports;
    const any = countPorts(portsNow) > 0;
    side.check(
      NO_PORTS_LEFT,
      portsNow.length > 0 && !any,
      "of the domain's event channels Xen prints " +
        (portsNow.length == 0 ? "nothing" : any ? "some" : "none"),
    );
    if (!side.control) side.guest.reconnect();
    domain.unpause();
    return result == 0;
  }
}
