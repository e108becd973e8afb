// What a secondary vCPU does on its own: a list of steps that vCPU 0 writes, boot/vcpu-program.c carries out, and vCPU 0
// reads the answers of, while it runs as well. The layout is boot/vcpu-program.h's, by the same names.

import { EVTCHNOP_send } from "../../raw/abi/event_channel";
import { SCHEDOP_block, SCHEDOP_poll } from "../../raw/abi/sched";
import { __HYPERVISOR_event_channel_op, __HYPERVISOR_sched_op } from "../../raw/abi/xen";
import { load32, load64, store32 } from "../intrinsics";

/** enum vcpu_step_kind. */
const enum Kind {
  CALL = 0,
  SLEEP = 1,
  TAKE = 2,
  RECEIVE = 3,
  PAUSE = 4,
  AWAIT = 5,
  MEET = 6,
  WRITE_MSR = 7,
  COPY = 8,
  STORE = 9,
}

/** How many different answers of a step are counted apart. */
export const STEP_ANSWERS: u32 = 12;

@unmanaged class vcpu_step {
  kind: u16 = 0;
  ends: u16 = 0;
  number: u32 = 0;
  args0: u64 = 0;
  args1: u64 = 0;
  args2: u64 = 0;
  args3: u64 = 0;
  args4: u64 = 0;
  repeat: u64 = 0;
  delay: u64 = 0;
  spread: u64 = 0;
  status: u64 = 0;
  done: u64 = 0;
  met: u64 = 0;
  others: u64 = 0;
}
const ANSWERS: usize = offsetof<vcpu_step>();
const ANSWER_SIZE: usize = 16;
const STEP_SIZE: usize = ANSWERS + STEP_ANSWERS * ANSWER_SIZE;

@unmanaged class vcpu_program {
  count: u32 = 0;
  stop: u32 = 0;
  rounds: u64 = 0;
  peer: u32 = 0;
  barrier: u32 = 0;
  seed: u64 = 0;
  limit: u64 = 0;
  calls: u64 = 0;
  rounds_done: u64 = 0;
  turns: u64 = 0;
}
const STEPS: usize = offsetof<vcpu_program>();

/** One answer of a step, and how often it came. */
export class StepAnswer {
  constructor(
    readonly value: i64,
    readonly count: u64,
  ) {}
}

/** A step of a program. Settings hold from the program's next start on; what it came to can be read at any time. */
export class VcpuStep {
  constructor(
    private readonly at: usize,
    /** It keeps the step's memory. */
    readonly program: VcpuProgram,
  ) {}

  private get step(): vcpu_step {
    return changetype<vcpu_step>(this.at);
  }

  /** `times` in a row, in each round; 1 otherwise, and 0 leaves it out. */
  repeat(times: u64): VcpuStep {
    this.step.repeat = times;
    return this;
  }

  /**
   * Each time `ticks` of the time stamp counter late, and less than `spread` more, another number each time: so that two
   * vCPUs meet at every point of their ways. The same seed gives the same delays.
   */
  after(ticks: u64, spread: u64 = 0): VcpuStep {
    this.step.delay = ticks;
    this.step.spread = spread;
    return this;
  }

  /**
   * Where the call itself answers 0, the 16 bits at `address` are the answer, with their sign: for an operation that leaves a
   * status in its argument, as GNTTABOP_*'s do.
   */
  statusAt(address: usize): VcpuStep {
    this.step.status = address;
    return this;
  }

  /** A negative answer ends the program, and is its result. */
  orEnd(): VcpuStep {
    this.step.ends = 1;
    return this;
  }

  /** How often it was carried out, so far. */
  get done(): u64 {
    return load64(this.at + offsetof<vcpu_step>("done"));
  }

  /** Of those, during how many the watched program (VcpuProgram.watch) began a hypercall. */
  get met(): u64 {
    return load64(this.at + offsetof<vcpu_step>("met"));
  }

  /** Answers that came when there were STEP_ANSWERS different ones before. */
  get uncounted(): u64 {
    return load64(this.at + offsetof<vcpu_step>("others"));
  }

  /** What it was answered, and how often each: Xen's own numbers, in the order in which they first came. */
  answers(): Array<StepAnswer> {
    const found: Array<StepAnswer> = [];
    for (let i: usize = 0; i < STEP_ANSWERS; i++) {
      const at = this.at + ANSWERS + i * ANSWER_SIZE;
      const count = load64(at + 8);
      if (count == 0) break;
      found.push(new StepAnswer(load64(at), count));
    }
    return found;
  }

  /** How often it was answered `value`. */
  count(value: i64): u64 {
    const found = this.answers();
    for (let i = 0; i < found.length; i++) if (found[i].value == value) return found[i].count;
    return 0;
  }
}

/** Where several vCPUs wait until all of them have come, as often as they like. Each may be a program's, or vCPU 0's own. */
export class VcpuBarrier {
  private readonly memory: StaticArray<u32> = new StaticArray<u32>(4);

  /** `parties`: how many have to come. */
  constructor(parties: u32) {
    this.memory[0] = parties;
  }

  /** Its struct vcpu_barrier. */
  get at(): usize {
    return changetype<usize>(this.memory);
  }

  /** How often all have met. */
  get met(): u32 {
    return load32(this.at + 8);
  }
}

/**
 * A list of steps that a secondary vCPU goes through `rounds` times. It is written by vCPU 0 and then given to Vcpu.run();
 * while it runs its steps may be read, and not be changed. The same program may be run again: its counts then continue.
 */
export class VcpuProgram {
  private readonly memory: StaticArray<u8>;
  private readonly steps: Array<VcpuStep> = [];
  /** What the steps point to: nothing else may keep it. */
  private readonly kept: Array<StaticArray<u8>> = [];
  private barrier: VcpuBarrier | null = null;
  private peer: VcpuProgram | null = null;

  /** Room for so many steps. */
  constructor(private readonly room: u32 = 8) {
    this.memory = new StaticArray<u8>(<i32>(STEPS + room * STEP_SIZE));
    this.head.rounds = 1;
    this.head.seed = 0x9e3779b97f4a7c15;
    this.head.limit = u64.MAX_VALUE;
  }

  /** Its struct vcpu_program. */
  get at(): usize {
    return changetype<usize>(this.memory);
  }

  private get head(): vcpu_program {
    return changetype<vcpu_program>(this.at);
  }

  private add(
    kind: Kind,
    number: u32,
    a1: u64 = 0,
    a2: u64 = 0,
    a3: u64 = 0,
    a4: u64 = 0,
    a5: u64 = 0,
  ): VcpuStep {
    assert(this.head.count < this.room, "the program has no room for another step");
    const at = this.at + STEPS + this.head.count * STEP_SIZE;
    const step = changetype<vcpu_step>(at);
    step.kind = <u16>kind;
    step.number = number;
    step.args0 = a1;
    step.args1 = a2;
    step.args2 = a3;
    step.args3 = a4;
    step.args4 = a5;
    step.repeat = 1;
    this.head.count++;
    const made = new VcpuStep(at, this);
    this.steps.push(made);
    return made;
  }

  /** Zeroed memory for a hypercall's argument, aligned to 8 bytes, which lives as long as the program. */
  argument(bytes: u32): usize {
    const memory = new StaticArray<u8>(<i32>bytes);
    this.kept.push(memory);
    return changetype<usize>(memory);
  }

  /** Hypercall `number` (__HYPERVISOR_*). Structures that arguments point to are the caller's to keep: see argument(). */
  call(number: u32, a1: u64 = 0, a2: u64 = 0, a3: u64 = 0, a4: u64 = 0, a5: u64 = 0): VcpuStep {
    return this.add(Kind.CALL, number, a1, a2, a3, a4, a5);
  }

  /** EVTCHNOP_send of `port`. */
  send(port: u32): VcpuStep {
    const argument = this.argument(4);
    store<u32>(argument, port);
    return this.call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, argument);
  }

  /**
   * SCHEDOP_block: sleeps until an unmasked event comes; not at all if an upcall came since the last take(), be it for an event
   * that has been consumed. receive() is what waits for an event.
   */
  block(): VcpuStep {
    return this.add(Kind.SLEEP, SCHEDOP_block);
  }

  /**
   * SCHEDOP_poll on `port`, interrupts off: until it is pending, or until Xen system time `deadline` (ns; 0: none). The
   * pending bit stays.
   */
  poll(port: u32, deadline: u64 = 0): VcpuStep {
    const argument = this.argument(32);
    store<u64>(argument, argument + 24);
    store<u32>(argument + 8, 1);
    store<u64>(argument + 16, deadline);
    store<u32>(argument + 24, port);
    return this.call(__HYPERVISOR_sched_op, SCHEDOP_poll, argument);
  }

  /** Consumes every unmasked event that this vCPU has; the answer is how many they were. */
  take(): VcpuStep {
    return this.add(Kind.TAKE, 0);
  }

  /** Sleeps until this vCPU has an unmasked event, and consumes every one; the answer is how many they were. */
  receive(): VcpuStep {
    return this.add(Kind.RECEIVE, 0);
  }

  /** Nothing, for `ticks` of the time stamp counter and less than `spread` more. */
  pause(ticks: u64, spread: u64 = 0): VcpuStep {
    return this.add(Kind.PAUSE, 0).after(ticks, spread);
  }

  /**
   * Waits until of the 32-bit word at `address` the bits of `mask` are `value`; the answer is 0. After `ticks` of the time
   * stamp counter it is -ETIME.
   */
  await(address: usize, mask: u32, value: u32, ticks: u64 = u64.MAX_VALUE): VcpuStep {
    return this.add(Kind.AWAIT, 0, address, mask, value, ticks);
  }

  /** Waits for the others at `barrier`. */
  meet(barrier: VcpuBarrier): VcpuStep {
    this.kept.push(changetype<StaticArray<u8>>(barrier.at));
    return this.add(Kind.MEET, 0, barrier.at);
  }

  /** WRMSR. One that Xen refuses is an exception, and the end of the guest. */
  writeMsr(msr: u32, value: u64): VcpuStep {
    return this.add(Kind.WRITE_MSR, msr, value);
  }

  /** Copies the 32-bit word at `from` to `to`: from what one call left in its argument to the next one's. */
  copy(from: usize, to: usize): VcpuStep {
    return this.add(Kind.COPY, 0, from, to);
  }

  /** Stores `value` to the 64-bit word at `address`, in one piece. */
  store(address: usize, value: u64): VcpuStep {
    return this.add(Kind.STORE, 0, address, value);
  }

  /** How often the list is executed; u64.MAX_VALUE: until stop(). */
  setRounds(rounds: u64): VcpuProgram {
    this.head.rounds = rounds;
    return this;
  }

  /** It ends by itself after `ticks` of the time stamp counter, between two rounds. */
  setLimit(ticks: u64): VcpuProgram {
    this.head.limit = ticks;
    return this;
  }

  /** Its first step waits until all are at `barrier`; every time it is run. */
  startAt(barrier: VcpuBarrier): VcpuProgram {
    this.barrier = barrier;
    this.head.barrier = <u32>barrier.at;
    return this;
  }

  /** From now on VcpuStep.met tells during how many of its calls `other` began one. */
  watch(other: VcpuProgram): VcpuProgram {
    this.peer = other;
    this.head.peer = <u32>other.at;
    return this;
  }

  /** The same of a program that is another domain's, whose struct vcpu_program is mapped at `at`. */
  watchAt(at: usize): VcpuProgram {
    this.head.peer = <u32>at;
    return this;
  }

  /** Of the delays: any number but 0. */
  setSeed(seed: u64): VcpuProgram {
    this.head.seed = seed;
    return this;
  }

  /** It ends before its next step, or its next round at a barrier. What sleeps in Xen has to be woken: Vcpu.stop(). */
  stop(): void {
    store32(this.at + offsetof<vcpu_program>("stop"), 1);
  }

  /** Hypercalls that it has begun. */
  get calls(): u64 {
    return load64(this.at + offsetof<vcpu_program>("calls"));
  }

  /** Rounds that it has finished. */
  get rounds(): u64 {
    return load64(this.at + offsetof<vcpu_program>("rounds_done"));
  }

  /** Grows while it runs: steps carried out, each as often as it was, and turns of its pauses and of its waiting. */
  get progress(): u64 {
    let sum: u64 = load64(this.at + offsetof<vcpu_program>("turns"));
    for (let i = 0; i < this.steps.length; i++) sum += this.steps[i].done;
    return sum;
  }

  get length(): i32 {
    return this.steps.length;
  }

  /** The step at `index`, from 0 on. */
  step(index: i32): VcpuStep {
    return this.steps[index];
  }
}
