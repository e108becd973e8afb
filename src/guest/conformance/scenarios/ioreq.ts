// A device model. Xen represents one by its ioreq server: for each vCPU an event channel of Xen's own, in the domain. A soft reset
// leaves both (b376456a78, Xen 4.13; before it destroyed them): the device model of an HVM domain lives on, and the toolstack is to
// end it. A guest cannot close such a port, and it does not keep the reset from being complete (-EAGAIN).
//
// In the control the toolstack destroys the server in between.

import { checked, describeResult } from "xenlet";
import {
  createIoreqServer,
  destroyIoreqServer,
  ioreqServerStatus,
  pressDebugKey,
} from "xenlet/raw/toolstack";
import { DONE_BY_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const IOREQ = scenario({ name: "ioreq", area: "Device model", vcpus: 2 });
const SERVER_STAYS = IOREQ.check({
  name: "ioreq/server-stays",
  title: "An ioreq server outlives the reset",
  notUnderXl: DONE_BY_DOM0,
  broken: "until 4.12, which destroyed it: b376456a78",
});
const RESET_COMPLETE = IOREQ.check({
  name: "ioreq/reset-succeeds",
  title: "A domain with an ioreq server is reset without an error, twice",
  notUnderXl: DONE_BY_DOM0,
});
const PORTS_STAY = IOREQ.check({
  name: "ioreq/ports-stay",
  title: "Xen's own event channels of an ioreq server stay open",
  notUnderXl: DONE_BY_DOM0,
});

export class Ioreq extends Scenario {
  private server: u16 = 0;
  private results: Array<i64> = [];

  constructor() {
    super(IOREQ);
  }

  guest(side: GuestSide): void {
    side.reset();
    side.reset();
  }

  toolstack(side: ToolstackSide): void {
    side.createPaused();
    const domain = side.guest.domain;
    this.server = <u16>checked("XEN_DMOP_create_ioreq_server", createIoreqServer(domain.id));
    const before = this.xenPorts(domain.id);
    domain.unpause();
    side.serve();
    const status = ioreqServerStatus(domain.id, this.server);
    const after = this.xenPorts(domain.id);
    side.result(SERVER_STAYS, "XEN_DMOP_get_ioreq_server_info", status, 0);
    const results: Array<string> = [];
    let refused: i64 = 0;
    for (let i = 0; i < this.results.length; i++) {
      results.push(describeResult(this.results[i]));
      refused |= this.results[i];
    }
    side.check(
      RESET_COMPLETE,
      results.length == 2 && refused == 0,
      "XEN_DOMCTL_soft_reset, twice = " + results.join(", "),
    );
    side.check(
      PORTS_STAY,
      before == 2 && after == 2,
      "event channels of Xen's own, of two vCPUs: " +
        before.toString() +
        ", and after the resets " +
        after.toString(),
    );
  }

  /** How many event channels of domain `id` Xen prints as its own (x=), by debug key e. */
  private xenPorts(id: u16): i32 {
    const text = pressDebugKey("e");
    const heading = "Event channel information for domain ";
    const at = text.indexOf(heading + id.toString() + ":");
    if (at < 0) return -1;
    const next = text.indexOf(heading, at + heading.length);
    const lines = text.substring(at, next < 0 ? text.length : next).split("\n");
    let count = 0;
    for (let i = 0; i < lines.length; i++)
      if (lines[i].includes(": s=") && lines[i].includes(" x=") && !lines[i].includes(" x=0")) count++;
    return count;
  }

  onSoftReset(side: ToolstackSide): bool {
    const result = side.softReset();
    if (side.control) {
      destroyIoreqServer(side.guest.domain.id, this.server);
      /* One of two: the second does not count as made. */
      if (side.resets == 1) this.results.push(result);
    } else this.results.push(result);
    return result == 0;
  }
}
