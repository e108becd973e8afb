// Two vCPUs of one domain at once in Xen: what a pair (pair.ts) declares, and how it is run and judged inside the domain.

import { Vcpu, VcpuBarrier, VcpuProgram, VcpuStep, sched, systemTime } from "xenlet";
import { __HYPERVISOR_domctl, xen_domctl } from "xenlet/raw/abi/domctl";
import {
  EVTCHNOP_alloc_unbound,
  EVTCHNOP_reset,
  evtchn_alloc_unbound,
  evtchn_reset,
} from "xenlet/raw/abi/event_channel";
import {
  DOMID_SELF,
  __HYPERVISOR_event_channel_op,
  __HYPERVISOR_grant_table_op,
  __HYPERVISOR_memory_op,
  __HYPERVISOR_sched_op,
  __HYPERVISOR_vcpu_op,
} from "xenlet/raw/abi/xen";
import { EAGAIN, EBUSY, ENOSPC, describeResult } from "xenlet/raw/errno";
import { event_channel_op } from "xenlet/raw/hypercall";
import { rdtsc } from "xenlet/raw/cpu";
import { frame_of, load64, shared_alloc, store64 } from "xenlet/raw/memory";
import { xenInterface } from "xenlet/raw/toolstack";

const PAGE_SIZE: u32 = 4096;
const CANARY: u64 = 0xc0ffee00c0ffee00;
/** struct xen_domctl, and more. */
const DOMCTL_SIZE: u32 = 256;

/** ns that a program has to end by itself; one that sleeps for the other side is ended. */
const ENDS_WITHIN: u64 = 2_000_000_000;
/** ns that a vCPU has to come back once its program is stopped: a hypercall of these takes microseconds. */
const COMES_BACK_WITHIN: u64 = 10_000_000_000;
/** How often two sides that did not meet begin again. */
const TRIES: i32 = 4;
/** How often a pair's time may pass until it and its control are over: RACE_RUNS of src/host/suites/conformance/plan.ts. */
export const RACE_RUNS: u64 = <u64>TRIES + 1;
/** Rounds of the control, one vCPU after the other. */
const CONTROL_ROUNDS: u64 = 40;

/** A call of one side, with every answer that Xen may give. */
export class RaceStep {
  private allowed: Array<i64> = [];

  constructor(
    readonly step: VcpuStep,
    readonly what: string,
    /** Its argument; 0 if it has none, or several calls share it. */
    readonly at: usize = 0,
  ) {}

  /** `answer` is right, for this reason. */
  may(answer: i64, why: string): RaceStep {
    this.allowed.push(answer);
    return this;
  }

  /** 0 is right: it is done. */
  works(): RaceStep {
    return this.may(0, "done");
  }

  /** A delay of less than `ticks` before each time: the sides meet at other points of their ways. */
  apart(ticks: u64): RaceStep {
    this.step.after(0, ticks);
    return this;
  }

  /** What it was answered, in one phrase. */
  describe(): string {
    const answers = this.step.answers();
    let text = this.what + " ";
    for (let i = 0; i < answers.length; i++)
      text += (i > 0 ? ", " : "") + answers[i].count.toString() + " × " + describeResult(answers[i].value);
    return answers.length == 0 ? text + "never came" : text;
  }

  /** The first answer that it must not have; empty if there is none. */
  wrong(): string {
    const answers = this.step.answers();
    for (let i = 0; i < answers.length; i++)
      if (!this.allowed.includes(answers[i].value))
        return this.what + " was answered " + describeResult(answers[i].value);
    return this.step.uncounted > 0 ? this.what + " had too many different answers" : "";
  }
}

/** One of the two vCPUs, and its program. */
export class Side {
  readonly program: VcpuProgram = new VcpuProgram(12);
  readonly steps: Array<RaceStep> = [];

  private named(what: string, step: VcpuStep, argument: usize = 0): RaceStep {
    const made = new RaceStep(step, what, argument);
    this.steps.push(made);
    return made;
  }

  /** Memory for an argument. */
  argument(bytes: u32): usize {
    return this.program.argument(bytes);
  }

  evtchn(what: string, op: u32, argument: usize): RaceStep {
    return this.named(what, this.program.call(__HYPERVISOR_event_channel_op, op, argument));
  }

  memory(what: string, op: u32, argument: usize): RaceStep {
    return this.named(what, this.program.call(__HYPERVISOR_memory_op, op, argument));
  }

  /** GNTTABOP_*, whose status is `statusAt` bytes into its argument, if it has one. */
  grants(what: string, op: u32, argument: usize, statusAt: u32 = 0): RaceStep {
    const step = this.program.call(__HYPERVISOR_grant_table_op, op, argument, 1);
    return this.named(what, statusAt == 0 ? step : step.statusAt(argument + statusAt));
  }

  vcpu(what: string, op: u32, vcpu: u32, argument: usize = 0): RaceStep {
    return this.named(what, this.program.call(__HYPERVISOR_vcpu_op, op, vcpu, argument));
  }

  sched(what: string, op: u32, argument: usize): RaceStep {
    return this.named(what, this.program.call(__HYPERVISOR_sched_op, op, argument));
  }

  /**
   * XEN_DOMCTL_* `cmd` of domain `domid`, without an argument of its own. What Xen left in the last call's is put right before each:
   * a soft reset that was preempted says so there (XEN_DOMCTL_soft_reset_cont).
   */
  domctl(what: string, cmd: u32, domid: u16): RaceStep {
    const argument = this.argument(DOMCTL_SIZE);
    this.program.store(argument, cmd | ((<u64>xenInterface().domctl) << 32));
    changetype<xen_domctl>(argument).domain = domid;
    return this.named(what, this.program.call(__HYPERVISOR_domctl, argument), argument);
  }

  /** EVTCHNOP_reset of this domain. */
  reset(): RaceStep {
    const argument = this.argument(<u32>offsetof<evtchn_reset>());
    changetype<evtchn_reset>(argument).dom = DOMID_SELF;
    return this.evtchn("EVTCHNOP_reset", EVTCHNOP_reset, argument)
      .works()
      .may(-EBUSY, "another reset is going on")
      .may(-EAGAIN, "a port was bound meanwhile");
  }

  get met(): u64 {
    let sum: u64 = 0;
    for (let i = 0; i < this.steps.length; i++) sum += this.steps[i].step.met;
    return sum;
  }

  get calls(): u64 {
    return this.program.calls;
  }
}

function ticksIn(ns: u64): u64 {
  const start = systemTime();
  const ticks = rdtsc();
  while (systemTime() - start < 2_000_000) {}
  return ((rdtsc() - ticks) * (ns / 1000)) / ((systemTime() - start) / 1000);
}

/* Made at its first use: asc drops a lazy global's own initializer where only overriding methods use it. */
@lazy let racersMade: Array<Vcpu> | null = null;

/** vCPU 1 or 2, which every race of this domain has: dom0 has several. */
function racer(id: i32): Vcpu {
  let made = racersMade;
  if (!made) racersMade = made = [];
  while (made.length < id) made.push(Vcpu.start(made.length + 1));
  return made[id - 1];
}

export class Race {
  readonly left: Side = new Side();
  readonly right: Side = new Side();
  private elsewhere: usize = 0;
  private readonly complaints: Array<string> = [];
  /** Frames that were Xen's for a while, filled with canaries once they are not. */
  private readonly lent: Array<usize> = [];

  constructor(
    /** One side after the other: nothing can meet. */
    readonly inTurns: bool,
    /** How long the two run, in ms. */
    private readonly ms: u64,
  ) {}

  private get leftVcpu(): Vcpu {
    return racer(1);
  }

  private get rightVcpu(): Vcpu {
    return racer(2);
  }

  /** The left side meets another domain's program instead of the right one's: its head is mapped at `at`. */
  watchAt(at: usize): void {
    this.elsewhere = at;
  }

  /** Something is not as it must be. */
  wrong(text: string): void {
    this.complaints.push(text);
  }

  /** As wrong(), where two numbers of Xen's are not the same. */
  expect(what: string, actual: i64, expected: i64): void {
    if (actual != expected)
      this.wrong(what + " = " + describeResult(actual) + ", expected " + describeResult(expected));
  }

  /** A zeroed page, whose frame Xen is going to write. */
  lend(): usize {
    const page = shared_alloc(1);
    if (page == 0) throw new Error("no page left for a race");
    this.lent.push(page);
    return page;
  }

  /** Its frame's number. */
  lendFrame(): u64 {
    return frame_of(this.lend());
  }

  /** The port that wakes the left side's vCPU. */
  get leftPort(): u32 {
    return this.leftVcpu.port;
  }

  /** What `side` does, `rounds` times, while the other is idle. */
  runsAlone(side: Side, rounds: u64): void {
    this.leftVcpu.run(side.program.setRounds(rounds));
    this.back(this.leftVcpu);
  }

  /** Runs both sides; whether both came back. */
  run(): bool {
    if (this.inTurns) return this.runTimes(CONTROL_ROUNDS, CONTROL_ROUNDS);
    const limit = ticksIn(this.ms * 1_000_000);
    this.left.program.setLimit(limit);
    this.right.program.setLimit(limit);
    /* On a busy machine there may be a few calls only, and none that met. */
    for (let i = 0; i < TRIES && this.met == 0; i++)
      if (!this.runTimes(u64.MAX_VALUE, u64.MAX_VALUE)) return false;
    return true;
  }

  /** The same, each side so many rounds, or until its limit. */
  runTimes(leftRounds: u64, rightRounds: u64): bool {
    const left = this.left.program.watch(this.right.program).setRounds(leftRounds);
    const right = this.right.program.watch(this.left.program).setRounds(rightRounds);
    if (this.elsewhere != 0) left.watchAt(this.elsewhere);
    if (this.inTurns) {
      this.leftVcpu.run(left);
      if (!this.back(this.leftVcpu)) return false;
      this.rightVcpu.run(right);
      return this.back(this.rightVcpu);
    }
    const start = new VcpuBarrier(2);
    this.leftVcpu.run(left.startAt(start));
    this.rightVcpu.run(right.startAt(start));
    const leftCame = this.back(this.leftVcpu);
    return this.back(this.rightVcpu) && leftCame;
  }

  private back(vcpu: Vcpu): bool {
    const deadline = systemTime() + this.ms * 1_000_000 + ENDS_WITHIN;
    /* A sleep, so that both physical CPUs are for the two. */
    while (!vcpu.idle && systemTime() < deadline) sched.poll(NO_PORTS, systemTime() + 20_000_000);
    if (!vcpu.idle) vcpu.stop(COMES_BACK_WITHIN);
    if (vcpu.idle) return true;
    this.wrong("vCPU " + vcpu.id.toString() + " did not come back");
    return false;
  }

  /** Calls of either side during which the other began one. */
  get met(): u64 {
    return this.left.met + this.right.met;
  }

  /** Every port that this domain may have can be bound, and nothing else is: `limit` is XEN_DOMCTL_createdomain's. */
  portsAreFree(limit: u32): void {
    changetype<evtchn_reset>(argument).dom = DOMID_SELF;
    this.expect("EVTCHNOP_reset, afterwards", event_channel_op(EVTCHNOP_reset, argument), 0);
    const a = changetype<evtchn_alloc_unbound>(argument);
    let bound: u32 = 0;
    let result: i64 = 0;
    while (bound <= limit) {
      a.dom = DOMID_SELF;
      a.remote_dom = DOMID_SELF;
      result = event_channel_op(EVTCHNOP_alloc_unbound, argument);
      if (result != 0) break;
      bound++;
    }
    this.expect("ports that can be bound afterwards", bound, limit);
    this.expect("EVTCHNOP_alloc_unbound of one more", result, -ENOSPC);
    changetype<evtchn_reset>(argument).dom = DOMID_SELF;
    this.expect("EVTCHNOP_reset, once more", event_channel_op(EVTCHNOP_reset, argument), 0);
  }

  /** Xen has given back every frame that it was lent: it writes none of them, whatever it does. */
  framesAreOurs(does: () => void): void {
    for (let i = 0; i < this.lent.length; i++)
      for (let at: u32 = 0; at < PAGE_SIZE; at += 8) store64(this.lent[i] + at, CANARY);
    does();
    for (let i = 0; i < this.lent.length; i++)
      for (let at: u32 = 0; at < PAGE_SIZE; at += 8)
        if (load64(this.lent[i] + at) != CANARY) {
          this.wrong("Xen wrote to byte " + at.toString() + " of a frame that it had given back");
          return;
        }
  }

  /** The first thing that is not as it must be, of answers and of the domain; empty if there is none. */
  fault(): string {
    for (let i = 0; i < this.left.steps.length; i++) {
      const wrong = this.left.steps[i].wrong();
      if (wrong.length > 0) return wrong;
    }
    for (let i = 0; i < this.right.steps.length; i++) {
      const wrong = this.right.steps[i].wrong();
      if (wrong.length > 0) return wrong;
    }
    return this.complaints.length > 0 ? this.complaints[0] : "";
  }

  /** What both sides were answered. */
  describe(): string {
    let text = this.met.toString() + " of " + (this.left.calls + this.right.calls).toString() + " calls met";
    for (let i = 0; i < this.left.steps.length; i++) text += "; " + this.left.steps[i].describe();
    for (let i = 0; i < this.right.steps.length; i++) text += "; " + this.right.steps[i].describe();
    return text;
  }
}

const NO_PORTS: StaticArray<u32> = [];
const argument: usize = memory.data(32, 8);
