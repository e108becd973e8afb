// Pairs about event channels: the ports of a domain, their number, and the memory of the FIFO ABI. EVTCHNOP_reset closes all of
// them while the other vCPU binds, sends, moves or closes one, and gives the FIFO ABI up while the other gives it memory.

import { checked, evtchn } from "xenlet";
import {
  EVTCHNOP_alloc_unbound,
  EVTCHNOP_bind_interdomain,
  EVTCHNOP_bind_ipi,
  EVTCHNOP_bind_vcpu,
  EVTCHNOP_bind_virq,
  EVTCHNOP_close,
  EVTCHNOP_expand_array,
  EVTCHNOP_init_control,
  EVTCHNOP_send,
  EVTCHNOP_set_priority,
  EVTCHNOP_status,
  EVTCHNOP_unmask,
  evtchn_alloc_unbound,
  evtchn_bind_interdomain,
  evtchn_bind_ipi,
  evtchn_bind_vcpu,
  evtchn_bind_virq,
  evtchn_expand_array,
  evtchn_init_control,
  evtchn_port,
  evtchn_set_priority,
  evtchn_status,
} from "xenlet/raw/abi/event_channel";
import { DOMID_SELF, VIRQ_DEBUG } from "xenlet/raw/abi/xen";
import { EACCES, EEXIST, EINVAL, ENOSPC, ENOSYS, EOPNOTSUPP } from "xenlet/raw/errno";
import { NEEDS_TWO_PCPUS, RACES, RACE_MS, RACE_VCPUS, scenario } from "../declare";
import { PORT_LIMIT, Pair } from "../races/pair";
import { Race, RaceStep, Side } from "../races/race";

const AREA = "Races about event channels";
const RESET_EXPAND = scenario({
  name: "races-reset-expand",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_EXPAND_WHOLE = RESET_EXPAND.check({
  name: "races/reset-expand",
  title:
    "EVTCHNOP_reset, which takes the FIFO ABI away, and EVTCHNOP_expand_array, which gives it a page, leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken: "4.14 panics, as all did before XSA-505 was mended (4.17.7, 4.20.4)",
});
const RESET_INIT = scenario({
  name: "races-reset-init",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_INIT_WHOLE = RESET_INIT.check({
  name: "races/reset-init",
  title:
    "EVTCHNOP_reset and another vCPU's EVTCHNOP_init_control leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const RESET_PRIORITY = scenario({
  name: "races-reset-priority",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_PRIORITY_WHOLE = RESET_PRIORITY.check({
  name: "races/reset-priority",
  title:
    "EVTCHNOP_reset and EVTCHNOP_set_priority of a port that it closes leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const RESET_BIND_VIRQ = scenario({
  name: "races-reset-bind-virq",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_BIND_VIRQ_WHOLE = RESET_BIND_VIRQ.check({
  name: "races/reset-bind-virq",
  title: "EVTCHNOP_reset and EVTCHNOP_bind_virq leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken: "XSA-343, fixed in 4.14.1",
});
const RESET_BIND_SEND = scenario({
  name: "races-reset-bind-send",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_BIND_SEND_WHOLE = RESET_BIND_SEND.check({
  name: "races/reset-bind-send",
  title:
    "EVTCHNOP_reset and a port's life cycle (EVTCHNOP_bind_ipi, send, unmask, close) leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken: "XSA-343, fixed in 4.14.1",
});
const RESET_INTERDOMAIN = scenario({
  name: "races-reset-interdomain",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_INTERDOMAIN_WHOLE = RESET_INTERDOMAIN.check({
  name: "races/reset-interdomain",
  title:
    "EVTCHNOP_reset and a domain's connection to itself, by EVTCHNOP_alloc_unbound and bind_interdomain, leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken: "XSA-343, fixed in 4.14.1",
});
const RESET_STATUS = scenario({
  name: "races-reset-status",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_STATUS_WHOLE = RESET_STATUS.check({
  name: "races/reset-status",
  title:
    "EVTCHNOP_reset and EVTCHNOP_status, unmask and bind_vcpu of a port that it closes leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const RESET_RESET = scenario({
  name: "races-reset-reset",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const RESET_RESET_WHOLE = RESET_RESET.check({
  name: "races/reset-reset",
  title:
    "EVTCHNOP_reset of two vCPUs, with ports to close, leaves Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken: "XSA-344, fixed in 4.14.1",
});
const CLOSE_SEND = scenario({
  name: "races-close-send",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const CLOSE_SEND_WHOLE = CLOSE_SEND.check({
  name: "races/close-send",
  title:
    "EVTCHNOP_close of one end and EVTCHNOP_send at the other, in the FIFO ABI, leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const MOVE_SEND = scenario({
  name: "races-move-send",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const MOVE_SEND_WHOLE = MOVE_SEND.check({
  name: "races/move-send",
  title:
    "EVTCHNOP_bind_vcpu and set_priority, which move a port to another queue, and EVTCHNOP_send, which puts it on one, leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const CLOSE_CLOSE = scenario({
  name: "races-close-close",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const CLOSE_CLOSE_WHOLE = CLOSE_CLOSE.check({
  name: "races/close-close",
  title:
    "EVTCHNOP_close of two vCPUs, of the same port, and EVTCHNOP_status leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});

/** Something that sends, so that a frame which Xen still has gets written. */
function raiseEvents(): void {
  const port = <u32>evtchn.bindIpi(0);
  evtchn.unmask(port);
  for (let i = 0; i < 64; i++) evtchn.send(port);
  evtchn.reset();
}

/** A pair that leaves a domain of which EVTCHNOP_reset makes one without a port. */
abstract class EventPair extends Pair {
  whole(race: Race): void {
    race.portsAreFree(PORT_LIMIT);
    race.framesAreOurs(raiseEvents);
  }
}

function initControl(side: Side, vcpu: u32, gfn: u64): RaceStep {
  const argument = side.argument(<u32>offsetof<evtchn_init_control>());
  changetype<evtchn_init_control>(argument).control_gfn = gfn;
  changetype<evtchn_init_control>(argument).vcpu = vcpu;
  return side
    .evtchn("EVTCHNOP_init_control", EVTCHNOP_init_control, argument)
    .works()
    .may(-EINVAL, "this vCPU has its control block: no reset came between");
}

function expandArray(side: Side, gfn: u64): RaceStep {
  const argument = side.argument(<u32>offsetof<evtchn_expand_array>());
  changetype<evtchn_expand_array>(argument).array_gfn = gfn;
  return side
    .evtchn("EVTCHNOP_expand_array", EVTCHNOP_expand_array, argument)
    .works()
    .may(-EOPNOTSUPP, "the 2-level ABI is in use")
    .may(-ENOSPC, "the array has all its pages");
}

function setPriority(side: Side, port: u32): RaceStep {
  const argument = side.argument(<u32>offsetof<evtchn_set_priority>());
  changetype<evtchn_set_priority>(argument).port = port;
  changetype<evtchn_set_priority>(argument).priority = 3;
  return side
    .evtchn("EVTCHNOP_set_priority", EVTCHNOP_set_priority, argument)
    .works()
    .may(-ENOSYS, "the 2-level ABI has none")
    .may(-EACCES, "the port is not in use")
    .may(-EINVAL, "there is no such port");
}

/** Binds by an operation whose port is `at` bytes into its argument; closes it again if asked. */
function bindIpi(side: Side, vcpu: u32): usize {
  const argument = side.argument(<u32>offsetof<evtchn_bind_ipi>());
  changetype<evtchn_bind_ipi>(argument).vcpu = vcpu;
  side.evtchn("EVTCHNOP_bind_ipi", EVTCHNOP_bind_ipi, argument).works().may(-ENOSPC, "no port is left");
  return argument + offsetof<evtchn_bind_ipi>("port");
}

/** An operation on the port that stands at `at`. */
function onPort(side: Side, what: string, op: u32, at: usize): RaceStep {
  return side.evtchn(what, op, at).works().may(-EINVAL, "the port is closed");
}

function portOf(side: Side, port: u32): usize {
  const argument = side.argument(<u32>offsetof<evtchn_port>());
  changetype<evtchn_port>(argument).port = port;
  return argument;
}

function status(side: Side, port: u32): RaceStep {
  const argument = side.argument(<u32>offsetof<evtchn_status>());
  changetype<evtchn_status>(argument).dom = DOMID_SELF;
  changetype<evtchn_status>(argument).port = port;
  return side
    .evtchn("EVTCHNOP_status", EVTCHNOP_status, argument)
    .works()
    .may(-EACCES, "a port of Xen's own")
    .may(-EINVAL, "there is no such port");
}

function bindVcpu(side: Side, port: u32, vcpu: u32): RaceStep {
  const argument = side.argument(<u32>offsetof<evtchn_bind_vcpu>());
  changetype<evtchn_bind_vcpu>(argument).port = port;
  changetype<evtchn_bind_vcpu>(argument).vcpu = vcpu;
  return onPort(side, "EVTCHNOP_bind_vcpu to " + vcpu.toString(), EVTCHNOP_bind_vcpu, argument);
}

/** A port of this domain connected to another one of it. */
class Loop {
  readonly here: u32;
  readonly there: u32;

  constructor() {
    this.here = <u32>checked("EVTCHNOP_alloc_unbound", evtchn.allocUnbound(DOMID_SELF));
    this.there = <u32>checked("EVTCHNOP_bind_interdomain", evtchn.bindInterdomain(DOMID_SELF, this.here));
  }
}

export class ResetExpand extends EventPair {
  constructor() {
    super(RESET_EXPAND, RESET_EXPAND_WHOLE);
  }

  build(race: Race): void {
    initControl(race.left, 0, race.lendFrame());
    race.left.reset();
    expandArray(race.right, race.lendFrame());
  }
}

export class ResetInit extends EventPair {
  constructor() {
    super(RESET_INIT, RESET_INIT_WHOLE);
  }

  build(race: Race): void {
    initControl(race.left, 1, race.lendFrame());
    race.left.reset();
    initControl(race.right, 2, race.lendFrame());
  }
}

export class ResetPriority extends EventPair {
  constructor() {
    super(RESET_PRIORITY, RESET_PRIORITY_WHOLE);
  }

  build(race: Race): void {
    initControl(race.left, 1, race.lendFrame());
    expandArray(race.left, race.lendFrame());
    bindIpi(race.left, 1);
    race.left.reset();
    for (let port: u32 = 1; port < 4; port++) setPriority(race.right, port);
  }
}

export class ResetBindVirq extends EventPair {
  constructor() {
    super(RESET_BIND_VIRQ, RESET_BIND_VIRQ_WHOLE);
  }

  build(race: Race): void {
    race.left.reset();
    const argument = race.right.argument(<u32>offsetof<evtchn_bind_virq>());
    changetype<evtchn_bind_virq>(argument).virq = VIRQ_DEBUG;
    changetype<evtchn_bind_virq>(argument).vcpu = 2;
    race.right
      .evtchn("EVTCHNOP_bind_virq", EVTCHNOP_bind_virq, argument)
      .works()
      .may(-EEXIST, "it is bound")
      .may(-ENOSPC, "no port is left");
  }
}

export class ResetBindSend extends EventPair {
  constructor() {
    super(RESET_BIND_SEND, RESET_BIND_SEND_WHOLE);
  }

  build(race: Race): void {
    race.left.reset();
    const port = bindIpi(race.right, 2);
    onPort(race.right, "EVTCHNOP_send", EVTCHNOP_send, port);
    onPort(race.right, "EVTCHNOP_unmask", EVTCHNOP_unmask, port);
    onPort(race.right, "EVTCHNOP_close", EVTCHNOP_close, port);
  }
}

export class ResetInterdomain extends EventPair {
  constructor() {
    super(RESET_INTERDOMAIN, RESET_INTERDOMAIN_WHOLE);
  }

  build(race: Race): void {
    race.left.reset();
    const offer = race.right.argument(<u32>offsetof<evtchn_alloc_unbound>());
    changetype<evtchn_alloc_unbound>(offer).dom = DOMID_SELF;
    changetype<evtchn_alloc_unbound>(offer).remote_dom = DOMID_SELF;
    race.right
      .evtchn("EVTCHNOP_alloc_unbound", EVTCHNOP_alloc_unbound, offer)
      .works()
      .may(-ENOSPC, "no port is left");
    const bind = race.right.argument(<u32>offsetof<evtchn_bind_interdomain>());
    changetype<evtchn_bind_interdomain>(bind).remote_dom = DOMID_SELF;
    race.right.program.copy(
      offer + offsetof<evtchn_alloc_unbound>("port"),
      bind + offsetof<evtchn_bind_interdomain>("remote_port"),
    );
    race.right
      .evtchn("EVTCHNOP_bind_interdomain", EVTCHNOP_bind_interdomain, bind)
      .works()
      .may(-EINVAL, "the offer is gone")
      .may(-ENOSPC, "no port is left");
    onPort(
      race.right,
      "EVTCHNOP_send",
      EVTCHNOP_send,
      bind + offsetof<evtchn_bind_interdomain>("local_port"),
    );
  }
}

export class ResetStatus extends EventPair {
  constructor() {
    super(RESET_STATUS, RESET_STATUS_WHOLE);
  }

  build(race: Race): void {
    bindIpi(race.left, 1);
    race.left.reset();
    status(race.right, 1);
    onPort(race.right, "EVTCHNOP_unmask", EVTCHNOP_unmask, portOf(race.right, 1));
    bindVcpu(race.right, 1, 2);
  }
}

export class ResetReset extends EventPair {
  constructor() {
    super(RESET_RESET, RESET_RESET_WHOLE);
  }

  build(race: Race): void {
    bindIpi(race.left, 1);
    race.left.reset();
    bindIpi(race.right, 2);
    race.right.reset();
  }
}

export class CloseSend extends EventPair {
  constructor() {
    super(CLOSE_SEND, CLOSE_SEND_WHOLE);
  }

  build(race: Race): void {
    const loop = new Loop();
    evtchn.unmask(loop.there);
    evtchn.bindVcpu(loop.there, 2);
    if (evtchn.useFifo() != 0) race.wrong("the FIFO ABI cannot be had");
    const bind = race.left.argument(<u32>offsetof<evtchn_bind_interdomain>());
    changetype<evtchn_bind_interdomain>(bind).remote_dom = DOMID_SELF;
    changetype<evtchn_bind_interdomain>(bind).remote_port = loop.here;
    changetype<evtchn_bind_interdomain>(bind).local_port = loop.there;
    onPort(
      race.left,
      "EVTCHNOP_close",
      EVTCHNOP_close,
      bind + offsetof<evtchn_bind_interdomain>("local_port"),
    );
    race.left.evtchn("EVTCHNOP_bind_interdomain", EVTCHNOP_bind_interdomain, bind).works();
    const port = portOf(race.right, loop.here);
    onPort(race.right, "EVTCHNOP_send", EVTCHNOP_send, port);
    onPort(race.right, "EVTCHNOP_unmask", EVTCHNOP_unmask, portOf(race.right, loop.there));
  }
}

export class MoveSend extends EventPair {
  constructor() {
    super(MOVE_SEND, MOVE_SEND_WHOLE);
  }

  build(race: Race): void {
    const loop = new Loop();
    evtchn.unmask(loop.there);
    if (evtchn.useFifo() != 0) race.wrong("the FIFO ABI cannot be had");
    evtchn.bindVcpu(loop.there, 1);
    evtchn.bindVcpu(loop.there, 2);
    bindVcpu(race.left, loop.there, 1);
    setPriority(race.left, loop.there);
    bindVcpu(race.left, loop.there, 2);
    onPort(race.right, "EVTCHNOP_send", EVTCHNOP_send, portOf(race.right, loop.here));
    race.right.program.take();
  }
}

export class CloseClose extends EventPair {
  constructor() {
    super(CLOSE_CLOSE, CLOSE_CLOSE_WHOLE);
  }

  build(race: Race): void {
    const port = bindIpi(race.left, 1);
    onPort(race.left, "EVTCHNOP_close", EVTCHNOP_close, port);
    for (let number: u32 = 4; number < 7; number++) {
      onPort(
        race.right,
        "EVTCHNOP_close of " + number.toString(),
        EVTCHNOP_close,
        portOf(race.right, number),
      );
    }
    status(race.right, 6);
  }
}
