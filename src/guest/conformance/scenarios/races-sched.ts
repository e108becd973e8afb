// Pairs about the scheduler's operations: sleeping against being woken, a shutdown's code against the
// shutdown, and the domain's two watchdogs, which two vCPUs arm and destroy.

import { SHUTDOWN_suspend } from "xenlet";
import { EVTCHNOP_send, evtchn_port } from "xenlet/raw/abi/event_channel";
import {
  SCHEDOP_poll,
  SCHEDOP_shutdown,
  SCHEDOP_shutdown_code,
  SCHEDOP_watchdog,
  sched_poll,
  sched_shutdown,
  sched_watchdog,
} from "xenlet/raw/abi/sched";
import { EINVAL } from "xenlet/raw/errno";
import { NEEDS_TWO_PCPUS, RACES, RACE_MS, RACE_VCPUS, scenario } from "../declare";
import { Pair } from "../races/pair";
import { Race, RaceStep, Side } from "../races/race";

const AREA = "Races about the scheduler";

const POLL_SEND = scenario({
  name: "races-poll-send",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const POLL_SEND_WHOLE = POLL_SEND.check({
  name: "races/poll-send",
  title:
    "SCHEDOP_poll of a port and EVTCHNOP_send to it leave Xen and the domain intact when they run concurrently, and no wake-up is lost",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const SHUTDOWN_CODE = scenario({
  name: "races-shutdown-code",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const SHUTDOWN_CODE_WHOLE = SHUTDOWN_CODE.check({
  name: "races/shutdown-code",
  title:
    "SCHEDOP_shutdown_code and SCHEDOP_shutdown, from which dom0 resumes the domain, leave both intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const WATCHDOGS = scenario({
  name: "races-watchdogs",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const WATCHDOGS_WHOLE = WATCHDOGS.check({
  name: "races/watchdogs",
  title:
    "SCHEDOP_watchdog of two vCPUs, which arm and destroy the domain's two timers, leaves Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});

export class PollSend extends Pair {
  constructor() {
    super(POLL_SEND, POLL_SEND_WHOLE);
  }

  build(race: Race): void {
    const side = race.left;
    const port = side.argument(4);
    store<u32>(port, race.leftPort);
    const argument = side.argument(<u32>offsetof<sched_poll>());
    changetype<sched_poll>(argument).ports = port;
    changetype<sched_poll>(argument).nr_ports = 1;
    side.sched("SCHEDOP_poll", SCHEDOP_poll, argument).works();
    side.program.take();
    const sent = race.right.argument(<u32>offsetof<evtchn_port>());
    changetype<evtchn_port>(sent).port = race.leftPort;
    race.right.evtchn("EVTCHNOP_send", EVTCHNOP_send, sent).works();
  }
}

function shutdown(side: Side, what: string, op: u32): RaceStep {
  const argument = side.argument(<u32>offsetof<sched_shutdown>());
  changetype<sched_shutdown>(argument).reason = SHUTDOWN_suspend;
  return side.sched(what, op, argument).works();
}

export class ShutdownCode extends Pair {
  constructor() {
    super(SHUTDOWN_CODE, SHUTDOWN_CODE_WHOLE);
  }

  build(race: Race): void {
    shutdown(race.left, "SCHEDOP_shutdown_code", SCHEDOP_shutdown_code);
    shutdown(race.right, "SCHEDOP_shutdown", SCHEDOP_shutdown);
  }
}

/** Far beyond the pair's end: none of them may fire. */
const SECONDS: u32 = 10_000;
/** -ENOSPC, cut to 32 bits by Xen's own type. */
const ENOSPC_OF_32_BITS: i64 = 4294967268;

function watchdog(side: Side, what: string, id: u32, seconds: u32): RaceStep {
  const argument = side.argument(<u32>offsetof<sched_watchdog>());
  changetype<sched_watchdog>(argument).id = id;
  changetype<sched_watchdog>(argument).timeout = seconds;
  return side.sched(what, SCHEDOP_watchdog, argument);
}

function watchdogs(side: Side): void {
  watchdog(side, "SCHEDOP_watchdog, a new one", 0, SECONDS)
    .may(1, "the first")
    .may(2, "the second")
    .may(ENOSPC_OF_32_BITS, "both are armed");
  for (let id: u32 = 1; id <= 2; id++) {
    watchdog(side, "SCHEDOP_watchdog, poking " + id.toString(), id, SECONDS)
      .works()
      .may(-EINVAL, "it is not armed");
    watchdog(side, "SCHEDOP_watchdog, destroying " + id.toString(), id, 0)
      .works()
      .may(-EINVAL, "it is not armed");
  }
}

export class WatchdogsOfTwo extends Pair {
  constructor() {
    super(WATCHDOGS, WATCHDOGS_WHOLE);
  }

  build(race: Race): void {
    watchdogs(race.left);
    watchdogs(race.right);
  }
}
