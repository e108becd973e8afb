// All scenarios, in the order in which they run.

import { Scenario } from "./scenario";
import { IllegalVector, PinnedGrant } from "./scenarios/advisories";
import { EventChannels } from "./scenarios/event-channels";
import { Endurance } from "./scenarios/endurance";
import { FifoEvents } from "./scenarios/fifo";
import { GrantVersions } from "./scenarios/grant-versions";
import { Grants } from "./scenarios/grants";
import { Pirqs } from "./scenarios/pirq";
import { Picture } from "./scenarios/state-snapshot";
import { Ioreq } from "./scenarios/ioreq";
import { Leaks } from "./scenarios/leaks";
import { Limits } from "./scenarios/limits";
import { FifoMany, ManyPorts } from "./scenarios/many-ports";
import { CallbackDelivers, PageContents, PeerCanBeBound } from "./scenarios/next-kernel";
import { OtherVcpusCpu } from "./scenarios/other-vcpus-cpu";
import { OtherVcpusTimers } from "./scenarios/other-vcpus-timers";
import { OtherVcpus } from "./scenarios/other-vcpus";
import { AreaBalloon, AreaDown, AreaFrame } from "./scenarios/races-areas";
import {
  CloseClose,
  CloseSend,
  MoveSend,
  ResetBindSend,
  ResetBindVirq,
  ResetExpand,
  ResetInit,
  ResetInterdomain,
  ResetPriority,
  ResetReset,
  ResetStatus,
} from "./scenarios/races-events";
import { InfoDestroy, ResetDestroy } from "./scenarios/races-destroy";
import { ResetPeer } from "./scenarios/races-peer";
import {
  VersionCopy,
  VersionFrames,
  VersionMap,
  VersionStatus,
  VersionTransitive,
} from "./scenarios/races-grants";
import { ResetChannel, ResetForeign, ResetGrant, ResetShutdown, ResetTwice } from "./scenarios/races-resets";
import { PollSend, ShutdownCode, WatchdogsOfTwo } from "./scenarios/races-sched";
import { SchedCalls, SchedVcpus } from "./scenarios/sched-calls";
import { SchedPin } from "./scenarios/sched-dom0";
import { SchedEnds } from "./scenarios/sched-ends";
import { SchedBlock, SchedPoll } from "./scenarios/sched-sleep";
import {
  SharedInfo,
  SharedInfoElsewhere,
  SharedInfoNoMemory,
  SharedInfoOverHole,
} from "./scenarios/shared-info";
import {
  ClosedPortParam,
  HiddenEvent,
  LatchedCode,
  SharedInfoContents,
  UpcallVector,
} from "./scenarios/stays-dirty";
import { TimeArea, TimeAreaAlone } from "./scenarios/stays-dirty-time";
import { PollTimer, Timers, Watchdogs } from "./scenarios/stays-dirty-timers";
import { Survives, SurvivesVcpus } from "./scenarios/survives";
import { SurvivesCpu } from "./scenarios/survives-cpu";
import { SurvivesAllOver, SurvivesBalloon, SurvivesMemory } from "./scenarios/survives-memory";
import { Unsupported } from "./scenarios/unsupported";
import { VcpuAreas } from "./scenarios/vcpu-areas";
import { VcpuInfo, VcpuInfoOfOthers } from "./scenarios/vcpu-info";
import { GuestMayNot, NotAsked, OtherReasons, ParavirtualDomain, WhoMay } from "./scenarios/who-may";
import { UnfinishedAccess, UnfinishedAccessHigh } from "./scenarios/who-may-unfinished";
import { SharedInfoWidth } from "./scenarios/shared-info-width";
import { DuringAnother, RunningDomain, ShutDownByToolstack } from "./scenarios/who-may-when";

export function scenarios(): Array<Scenario> {
  return [
    new EventChannels(),
    new FifoEvents(),
    new VcpuInfo(),
    new VcpuInfoOfOthers(),
    new SharedInfo(),
    new SharedInfoElsewhere(),
    new SharedInfoOverHole(),
    new SharedInfoNoMemory(),
    new VcpuAreas(),
    new OtherVcpus(),
    new OtherVcpusCpu(),
    new OtherVcpusTimers(),
    new ManyPorts(),
    new FifoMany(),
    new Leaks(),
    new Limits(),
    new SharedInfoWidth(),
    new Ioreq(),
    new CallbackDelivers(),
    new PeerCanBeBound(),
    new PageContents(),
    new SurvivesAllOver(),
    new Pirqs(),
    new Grants(),
    new GrantVersions(),
    new SurvivesMemory(),
    new SurvivesBalloon(),
    new SurvivesCpu(),
    new Survives(),
    new SurvivesVcpus(),
    new SharedInfoContents(),
    new HiddenEvent(),
    new UpcallVector(),
    new ClosedPortParam(),
    new LatchedCode(),
    new Timers(),
    new PollTimer(),
    new Watchdogs(),
    new TimeArea(),
    new TimeAreaAlone(),
    new WhoMay(),
    new OtherReasons(),
    new NotAsked(),
    new GuestMayNot(),
    new ParavirtualDomain(),
    new RunningDomain(),
    new ShutDownByToolstack(),
    new DuringAnother(),
    new UnfinishedAccess(),
    new UnfinishedAccessHigh(),
    new Unsupported(),
    new PinnedGrant(),
    new IllegalVector(),
    new SchedCalls(),
    new SchedVcpus(),
    new SchedPoll(),
    new SchedBlock(),
    new SchedEnds(),
    new SchedPin(),
    new Picture(),
    new Endurance(),
    new ResetExpand(),
    new ResetInit(),
    new ResetPriority(),
    new ResetBindVirq(),
    new ResetBindSend(),
    new ResetInterdomain(),
    new ResetStatus(),
    new ResetReset(),
    new CloseSend(),
    new MoveSend(),
    new CloseClose(),
    new VersionStatus(),
    new VersionFrames(),
    new VersionCopy(),
    new VersionTransitive(),
    new VersionMap(),
    new AreaBalloon(),
    new AreaFrame(),
    new AreaDown(),
    new PollSend(),
    new ShutdownCode(),
    new WatchdogsOfTwo(),
    new ResetChannel(),
    new ResetGrant(),
    new ResetForeign(),
    new ResetShutdown(),
    new ResetTwice(),
    new ResetPeer(),
    new ResetDestroy(),
    new InfoDestroy(),
  ];
}

/** The scenario of that name. Ends the program if there is none. */
export function scenarioNamed(name: string): Scenario {
  const all = scenarios();
  for (let i = 0; i < all.length; i++) if (all[i].name == name) return all[i];
  throw new Error("there is no scenario " + name);
}
