// One soft reset, looked at from both sides: when each of its stages was, and what Xen says of the domain before,
// while it is shut down, and after. It makes no checks: what it reports are the timeline and the table of the matrix's page.
//
// Both sides read the same clock: Xen system time is one for all domains.

import { HVM_PARAM_CALLBACK_IRQ, HVM_PARAM_CONSOLE_EVTCHN, HVM_PARAM_STORE_EVTCHN } from "xenlet/abi/hvm";
import { VIRQ_TIMER } from "xenlet/abi/xen";
import { ConsoleRing } from "xenlet/console-ring";
import { evtchn } from "xenlet/evtchn";
import { record } from "xenlet/record";
import { sched } from "xenlet/sched";
import { registerVcpuInfo } from "xenlet/vcpu_info";
import { systemTime } from "xenlet/time";
import { Domain } from "xenlet/toolstack/domain";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

/** Ports that are looked at. */
const PORTS: u32 = 16;
const STATES = ["closed", "unbound", "interdomain", "pirq", "virq", "ipi"];

function hex(value: u64): string {
  return value == u64.MAX_VALUE || value == u32.MAX_VALUE ? "nowhere" : "0x" + value.toString(16);
}

/** What getdomaininfo, the HVM parameters and the event channels say, in the order of NAMES. */
const NAMES = [
  "shut down",
  "shutdown reason",
  "paused",
  "pages",
  "shared_info at frame",
  "HVM_PARAM_CALLBACK_IRQ",
  "HVM_PARAM_STORE_EVTCHN",
  "HVM_PARAM_CONSOLE_EVTCHN",
  "event channels",
];

function look(domain: Domain): Array<string> {
  const info = domain.info();
  const ports: Array<string> = [];
  for (let port: u32 = 1; port < PORTS; port++) {
    const state = domain.portState(port);
    if (state > 0 && state < STATES.length) ports.push(port.toString() + " " + STATES[<i32>state]);
  }
  return [
    info.isShutdown ? "yes" : "no",
    info.reason == 255 ? "none" : info.reason.toString(),
    info.isPaused ? "yes" : "no",
    info.totPages.toString(),
    hex(info.sharedInfoFrame),
    hex(domain.getParam(HVM_PARAM_CALLBACK_IRQ)),
    domain.getParam(HVM_PARAM_STORE_EVTCHN).toString(),
    domain.getParam(HVM_PARAM_CONSOLE_EVTCHN).toString(),
    ports.length == 0 ? "none" : ports.join(", "),
  ];
}

/** In a record's field a space would end it. */
function field(text: string): string {
  return text.replaceAll("%", "%25").replaceAll(" ", "%20");
}

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

export class Picture extends Scenario {
  private before: Array<string> = [];
  private requested: u64 = 0;
  private stages: Array<string> = [];
  private times: Array<u64> = [];

  constructor() {
    super("picture");
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
    const seen = look(domain);
    this.looked += systemTime() - from;
    return seen;
  }

  private stage(name: string, time: u64 = systemTime()): void {
    this.stages.push(name);
    this.times.push(time - this.looked);
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line == BOUND) {
      this.before = look(side.guest.domain);
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
    if (guest.domain.softReset() != 0) return false;
    this.stage("cleaned by Xen");
    const after = this.look(guest.domain);
    guest.reconnect();
    this.stage("ports offered again");
    const from = systemTime();
    for (let i = 0; i < NAMES.length; i++)
      record(
        "state",
        "name=" +
          field(NAMES[i]) +
          " before=" +
          field(this.before[i]) +
          " shutdown=" +
          field(shut[i]) +
          " after=" +
          field(after[i]),
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
      record("stage", "name=" + field(this.stages[i]) + " ns=" + (this.times[i] - this.requested).toString());
  }
}
