// A vCPU that cannot be stopped yet. While it waits for a device model's answer to an access of its own it is not shut down with the
// others (vcpu_start_shutdown_deferral(), xen/common/domain.c): the domain has asked for its reset, and has not shut down. Xen
// refuses such a reset, since domain_soft_reset() looks at each vCPU; one that looked at the first alone would
// take the event channels and areas away below a vCPU that is in the middle of an instruction.
//
// In the control nothing is under way.

import { checked, describeResult, sched, systemTime, waitForEvents } from "xenlet";
import { XEN_LEGACY_MAX_VCPUS } from "xenlet/raw/abi/xen";
import { RUNSTATE_offline } from "xenlet/raw/abi/vcpu";
import { EINVAL } from "xenlet/raw/errno";
import { shared_alloc } from "xenlet/raw/memory";
import {
  createIoreqServer,
  enableIoreqServer,
  mapIoreqPage,
  mapPortsToIoreqServer,
  unmapFrame,
} from "xenlet/raw/toolstack";
import { runstate } from "xenlet/runstate";
import { DONE_BY_DOM0, ScenarioDeclaration, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { RemoteVcpu } from "../remote";
import { registerVcpuInfoAt } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const UNFINISHED = scenario({ name: "who-may-unfinished", area: "Who may", vcpus: 2 });
const UNFINISHED_ACCESS = UNFINISHED.check({
  name: "who-may/unfinished-access",
  title: "A domain whose vCPU 1 waits for a device model is refused a reset with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const UNFINISHED_HIGH = scenario({ name: "who-may-unfinished-high", area: "Who may", vcpus: 40 });
const UNFINISHED_ACCESS_HIGH = UNFINISHED_HIGH.check({
  name: "who-may/unfinished-access-high",
  title: "A domain whose vCPU 39 waits for a device model is refused a reset with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});

/** Not used by anything else. */
const PORT: u16 = 0x5a0;
const NO_PORTS: StaticArray<u32> = [];
const ASKS = "asks for a soft reset";
/** ns from one look at the other vCPU to the next; that the domain has from its last line to its request, and to get there at all. */
const LOOK: u64 = 1_000_000;
const SETTLED: u64 = 200_000_000;
const SOON: u64 = 5_000_000_000;

abstract class Unfinished extends Scenario {
  private asks: bool = false;

  constructor(
    declaration: ScenarioDeclaration,
    private check: string,
  ) {
    super(declaration);
  }

  private get vcpu(): u32 {
    return this.declaration.vcpus - 1;
  }

  guest(side: GuestSide): void {
    /* One from 32 on has no vcpu_info in shared_info, and is not started without. */
    if (this.vcpu >= XEN_LEGACY_MAX_VCPUS)
      checked("VCPUOP_register_vcpu_info", registerVcpuInfoAt(this.vcpu, shared_alloc(1)));
    const vcpu = RemoteVcpu.start(this.vcpu);
    /* While there is a device model, a change of the memory map is an access, too: it comes when all is mapped. */
    side.stop();
    if (!side.control) {
      vcpu.beginReadPort(PORT);
      this.waitUntilInAccess();
    }
    console.log(ASKS);
    side.requestReset();
    side.attach();
  }

  /**
   * A vCPU that waits for a device model is neither runnable nor blocked by itself: Xen counts it as offline
   * (_VPF_blocked_in_xen, vcpu_sleep_nosync_locked(), xen/common/sched/core.c).
   */
  private waitUntilInAccess(): void {
    const deadline = systemTime() + SOON;
    while (runstate(this.vcpu).state != RUNSTATE_offline && systemTime() < deadline)
      sched.poll(NO_PORTS, systemTime() + LOOK);
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line == ASKS) this.asks = true;
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    side.untilShutdown();
    const domain = side.guest.domain;
    const server = <u16>checked("XEN_DMOP_create_ioreq_server", createIoreqServer(domain.id));
    const page = mapIoreqPage(domain.id, server);
    checked(
      "XEN_DMOP_map_io_range_to_ioreq_server",
      mapPortsToIoreqServer(domain.id, server, PORT, PORT + 3),
    );
    checked("XEN_DMOP_set_ioreq_server_state", enableIoreqServer(domain.id, server));
    domain.resume();
    const deadline = systemTime() + SOON;
    while (!this.asks && systemTime() < deadline) waitForEvents(deadline);
    const settled = systemTime() + (side.control ? SOON : SETTLED);
    while (!domain.info().isShutdown && systemTime() < settled) waitForEvents(settled);
    domain.pause();
    const result = domain.softReset();
    unmapFrame(page);
    side.check(
      this.check,
      this.asks && result == -EINVAL,
      "XEN_DOMCTL_soft_reset of a domain that has " +
        (this.asks ? "" : "not ") +
        "asked for it" +
        (side.control ? "" : ", and whose vCPU " + this.vcpu.toString() + " has not finished an access") +
        " = " +
        describeResult(result),
    );
  }
}

export class UnfinishedAccess extends Unfinished {
  constructor() {
    super(UNFINISHED, UNFINISHED_ACCESS);
  }
}

export class UnfinishedAccessHigh extends Unfinished {
  constructor() {
    super(UNFINISHED_HIGH, UNFINISHED_ACCESS_HIGH);
  }
}
