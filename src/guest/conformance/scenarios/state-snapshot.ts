// One soft reset, looked at from both sides: when each of its stages was, and what Xen says of the domain before,
// while it is shut down, and after. It makes no checks: what it reports are the timeline and the table of the matrix's page.
//
// Both sides read the same clock: Xen system time is one for all domains.

import { evtchn, record, sched, systemTime } from "xenlet";
import { VIRQ_TIMER } from "xenlet/raw/abi/xen";
import { ConsoleRing } from "xenlet/raw/console-ring";
import { registerVcpuInfo } from "xenlet/raw/shared-info";
import { Domain, DOMAIN_STATE, domainState, stateField } from "xenlet/toolstack";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const BOUND = "bound";
const NEWLINE: StaticArray<u8> = [0x0a];

/** In the guest: dom0 types a byte when it has looked. */
function untilLookedAt(): void {
  const ring = ConsoleRing.own()!;
  while (ring.available == 0) {
    evtchn.clear(ring.port);
    if (ring.available == 0) sched.poll([ring.port]);
  }
}

const REQUESTED = "requested at ";
const READY = "ready at ";

const PICTURE = scenario({ name: "picture", area: "" });

export class Picture extends Scenario {
  private before: Array<string> = [];
  private requested: u64 = 0;
  private stages: Array<string> = [];
  private times: Array<u64> = [];

  constructor() {
    super(PICTURE);
  }

  guest(side: GuestSide): void {
    evtchn.bindVirq(VIRQ_TIMER);
    evtchn.bindIpi();
    registerVcpuInfo();
    console.log(BOUND);
    untilLookedAt();
    console.log(REQUESTED + systemTime().toString());
    side.reset();
    console.log(READY + systemTime().toString());
  }

  /** ns that went into looking, which a toolstack does not spend. */
  private looked: u64 = 0;

  private look(domain: Domain): Array<string> {
    const from = systemTime();
    const seen = domainState(domain);
    this.looked += systemTime() - from;
    return seen;
  }

  private stage(name: string, time: u64 = systemTime()): void {
    this.stages.push(name);
    this.times.push(time - this.looked);
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line == BOUND) {
      this.before = domainState(side.guest.domain);
      side.guest.console.type(changetype<usize>(NEWLINE), NEWLINE.length);
    } else if (line.startsWith(REQUESTED)) this.requested = U64.parseInt(line.substring(REQUESTED.length));
    else if (line.startsWith(READY)) this.stage("set up again", U64.parseInt(line.substring(READY.length)));
  }

  onSoftReset(side: ToolstackSide): bool {
    const guest = side.guest;
    this.stage("shutdown seen");
    guest.domain.pause();
    this.stage("paused");
    const shut = this.look(guest.domain);
    if (side.control) return guest.domain.resume() == 0 && guest.domain.unpause() == 0;
    if (side.accepted(guest.domain.softReset()) != 0) return false;
    this.stage("cleaned by Xen");
    const after = this.look(guest.domain);
    guest.reconnect();
    this.stage("ports offered again");
    const from = systemTime();
    for (let i = 0; i < DOMAIN_STATE.length; i++)
      record(
        "state",
        "name=" +
          stateField(DOMAIN_STATE[i]) +
          " before=" +
          stateField(this.before[i]) +
          " shutdown=" +
          stateField(shut[i]) +
          " after=" +
          stateField(after[i]),
      );
    this.looked += systemTime() - from;
    guest.domain.unpause();
    return true;
  }

  toolstack(side: ToolstackSide): void {
    /* There is nothing that could go red. */
    if (side.control) return;
    side.create();
    side.serve();
    record("stage", "name=requested ns=0");
    for (let i = 0; i < this.stages.length; i++)
      record(
        "stage",
        "name=" + stateField(this.stages[i]) + " ns=" + (this.times[i] - this.requested).toString(),
      );
  }
}
