// @xenlet vcpus=3 test-timeout=60
// Programs of secondary vCPUs on a real Xen, in both event channel ABIs: every kind of step, what is counted of its answers,
// barrier and stop. Fails if a step is left out or made too often, if an answer is another than vCPU 0 gets itself, if a vCPU
// takes another one's events or sleeps through its own, or if two vCPUs that run at once are not seen to.

import { evtchn, sched, Vcpu, VcpuBarrier, VcpuProgram, VIRQ_TIMER } from "xenlet";
import { expect, group, test } from "xenlet/test";
import { EVTCHNOP_bind_virq } from "xenlet/raw/abi/event_channel";
import { VCPUOP_is_up } from "xenlet/raw/abi/vcpu";
import {
  __HYPERVISOR_event_channel_op,
  __HYPERVISOR_sched_op,
  __HYPERVISOR_vcpu_op,
} from "xenlet/raw/abi/xen";
import { EEXIST, EINVAL, ENOENT, ENOSYS, ETIME } from "xenlet/raw/errno";
import { load64, store32 } from "xenlet/raw/memory";

const MS: u64 = 1_000_000;
/** Far more than anything takes, on a busy machine too. */
const LONG: u64 = 50_000 * MS;
const NO_SUCH_OPERATION: u64 = 99;

const one = Vcpu.start(1);
const two = Vcpu.start(2);

group("answers", () => {
  test("each step as often as it says, in each round", () => {
    const program = new VcpuProgram();
    const up = program.call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1);
    const wrong = program.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION).repeat(3);
    const left = program.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION).repeat(0);
    one.run(program.setRounds(5));
    expect(one.wait(LONG)).toBeTrue();
    expect(program.rounds).toBe(5);
    expect(program.calls).toBe(20);
    expect(up.done).toBe(5);
    expect(up.count(1)).toBe(5);
    expect(wrong.done).toBe(15);
    expect(wrong.count(-ENOSYS)).toBe(15);
    expect(left.done).toBe(0);
    expect(left.answers().length).toBe(0);
    expect(one.result).toBe(-ENOSYS);
  });

  test("different answers of one step are counted apart", () => {
    const program = new VcpuProgram();
    const argument = program.argument(12);
    store<u32>(argument, VIRQ_TIMER);
    store<u32>(argument + 4, 1);
    const bind = program.call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, argument).repeat(4);
    one.run(program);
    expect(one.wait(LONG)).toBeTrue();
    expect(bind.answers().length).toBe(2);
    expect(bind.answers()[0].value).toBe(0);
    expect(bind.count(0)).toBe(1);
    expect(bind.count(-EEXIST)).toBe(3);
    expect(bind.count(-EINVAL)).toBe(0);
    expect(bind.uncounted).toBe(0);
  });

  test("a step may end the program by failing", () => {
    const program = new VcpuProgram();
    program.call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 77).orEnd();
    const never = program.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION);
    one.run(program.setRounds(5));
    expect(one.wait(LONG)).toBeTrue();
    expect(one.result).toBe(-ENOENT);
    expect(never.done).toBe(0);
  });

  test("run again, a program goes on counting", () => {
    const program = new VcpuProgram();
    const step = program.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION);
    one.run(program.setRounds(2));
    expect(one.wait(LONG)).toBeTrue();
    one.run(program);
    expect(one.wait(LONG)).toBeTrue();
    expect(step.count(-ENOSYS)).toBe(4);
  });
});

const word: usize = memory.data(16, 8);

group("memory", () => {
  test("await sees what vCPU 0 writes, and store what it sees", () => {
    const program = new VcpuProgram();
    store32(word, 0);
    program.await(word, 0xff, 7);
    program.store(word + 8, 0x123456789abcdef0);
    one.run(program);
    expect(one.wait(5 * MS)).toBeFalse();
    store32(word, 0x107);
    expect(one.wait(LONG)).toBeTrue();
    expect(one.result).toBe(0);
    expect(load64(word + 8)).toBe(0x123456789abcdef0);
  });

  test("await gives up after so many ticks", () => {
    const program = new VcpuProgram();
    store32(word, 0);
    program.await(word, 1, 1, 100_000);
    one.run(program);
    expect(one.wait(LONG)).toBeTrue();
    expect(one.result).toBe(-ETIME);
  });
});

group("stop", () => {
  test("ends what goes on for ever", () => {
    const program = new VcpuProgram();
    const step = program.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION);
    one.run(program.setRounds(u64.MAX_VALUE));
    while (step.done < 10) sched.yield();
    expect(one.idle).toBeFalse();
    expect(one.stop(LONG)).toBeTrue();
    expect(one.idle).toBeTrue();
  });

  test("ends a sleep, too", () => {
    const program = new VcpuProgram();
    program.block();
    one.run(program.setRounds(u64.MAX_VALUE));
    expect(one.stop(LONG)).toBeTrue();
  });

  test("a limit ends it by itself", () => {
    const program = new VcpuProgram();
    program.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION);
    one.run(program.setRounds(u64.MAX_VALUE).setLimit(1_000_000));
    expect(one.wait(LONG)).toBeTrue();
    expect(program.rounds).toBeGreaterThan(0);
  });
});

/** Both at once, each watching the other. */
function together(rounds: u64): Array<VcpuProgram> {
  const left = new VcpuProgram();
  const right = new VcpuProgram();
  const start = new VcpuBarrier(2);
  left.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION);
  right.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION);
  left.watch(right).startAt(start).setRounds(rounds);
  right.watch(left).startAt(start).setRounds(rounds);
  return [left, right];
}

group("two at once", () => {
  test("begin together at a barrier", () => {
    const programs = together(100);
    one.run(programs[0]);
    expect(one.wait(5 * MS)).toBeFalse();
    expect(programs[0].calls).toBe(0);
    two.run(programs[1]);
    expect(one.wait(LONG)).toBeTrue();
    expect(two.wait(LONG)).toBeTrue();
    expect(programs[0].calls).toBe(100);
    expect(programs[1].calls).toBe(100);
  });

  test("are seen to meet in Xen", () => {
    let met: u64 = 0;
    for (let tries = 0; tries < 50 && met == 0; tries++) {
      const programs = together(1000);
      one.run(programs[0]);
      two.run(programs[1]);
      while (!one.wait(LONG) || !two.wait(LONG)) {}
      met = programs[0].step(0).met + programs[1].step(0).met;
    }
    expect(met).toBeGreaterThan(0);
  });

  test("the control: one after the other they are not", () => {
    const left = new VcpuProgram();
    const right = new VcpuProgram();
    left.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION).repeat(1000);
    right.call(__HYPERVISOR_sched_op, NO_SUCH_OPERATION).repeat(1000);
    left.watch(right);
    right.watch(left);
    one.run(left);
    while (!one.wait(LONG)) {}
    two.run(right);
    while (!two.wait(LONG)) {}
    expect(left.step(0).met + right.step(0).met).toBe(0);
  });

  test("meet in every round", () => {
    const left = new VcpuProgram();
    const right = new VcpuProgram();
    const place = new VcpuBarrier(2);
    left.meet(place);
    right.meet(place);
    one.run(left.setRounds(20));
    two.run(right.setRounds(20));
    expect(one.wait(LONG)).toBeTrue();
    expect(two.wait(LONG)).toBeTrue();
    expect(place.met).toBe(20);
  });
});

const ROUNDS: u64 = 30;

/** Each sends to the other and sleeps until the other has. */
function pingPong(first: u32, second: u32): void {
  const left = new VcpuProgram();
  const right = new VcpuProgram();
  left.send(second);
  const leftTook = left.receive();
  const rightTook = right.receive();
  right.send(first);
  two.run(right.setRounds(ROUNDS));
  one.run(left.setRounds(ROUNDS));
  expect(one.wait(LONG)).toBeTrue();
  expect(two.wait(LONG)).toBeTrue();
  expect(leftTook.done).toBe(ROUNDS);
  expect(leftTook.count(1)).toBe(ROUNDS);
  expect(rightTook.count(1)).toBe(ROUNDS);
}

let toOne: u32 = 0;
let toTwo: u32 = 0;
let toZero: u32 = 0;

function events(): void {
  test("wake each other, and none is lost", () => {
    pingPong(toOne, toTwo);
  });

  test("are taken by the vCPU that they are for", () => {
    evtchn.send(toOne);
    evtchn.send(toZero);
    expect(evtchn.scan()).toBe(toZero);
    expect(evtchn.scan()).toBe(0);
    expect(evtchn.isPending(toOne)).toBeTrue();
    const program = new VcpuProgram();
    /* Its own event, which brings the program, is used up before it begins; and so is all that came before. */
    const took = program.take();
    evtchn.send(toZero);
    one.run(program);
    expect(one.wait(LONG)).toBeTrue();
    expect(took.count(0)).toBe(1);
    expect(evtchn.isPending(toOne)).toBeFalse();
    expect(evtchn.scan()).toBe(toZero);
  });

  test("go to another vCPU when they are told to", () => {
    const port = <u32>evtchn.allocUnbound(0x7ff0);
    const end = <u32>evtchn.bindInterdomain(0x7ff0, port);
    evtchn.unmask(end);
    while (evtchn.scan() != 0) {}
    expect(evtchn.bindVcpu(end, 1)).toBe(0);
    const program = new VcpuProgram();
    const took = program.receive();
    one.run(program);
    evtchn.send(port);
    expect(one.wait(LONG)).toBeTrue();
    expect(took.count(1)).toBe(1);
    expect(evtchn.scan()).toBe(0);
    expect(evtchn.bindVcpu(end, 0)).toBe(0);
    evtchn.send(port);
    expect(evtchn.scan()).toBe(end);
    evtchn.close(end);
    evtchn.close(port);
  });

  test("as many as are sent are received", () => {
    const program = new VcpuProgram();
    const took = program.receive();
    one.run(program.setRounds(u64.MAX_VALUE));
    two.send(toOne, 30);
    expect(two.wait(LONG)).toBeTrue();
    expect(two.result).toBe(0);
    one.stop(LONG);
    expect(one.idle).toBeTrue();
    let taken: u64 = 0;
    const answers = took.answers();
    for (let i = 0; i < answers.length; i++) taken += <u64>answers[i].value * answers[i].count;
    /* And the one that stop() may have sent. */
    expect(taken).toBeWithin(30, 31);
  });
}

function bindAll(): void {
  toOne = <u32>evtchn.bindIpi(1);
  toTwo = <u32>evtchn.bindIpi(2);
  toZero = <u32>evtchn.bindIpi(0);
  evtchn.unmask(toOne);
  evtchn.unmask(toTwo);
  evtchn.unmask(toZero);
}

group("events of the 2-level ABI", () => {
  bindAll();
  events();
});

group("events of the FIFO ABI, bound before it", () => {
  test("which is switched to", () => {
    expect(evtchn.useFifo()).toBe(0);
  });
  events();
});

group("events of the FIFO ABI, bound in it", () => {
  bindAll();
  events();
  test("a poll ends by its own port", () => {
    one.poll();
    expect(one.wait(20 * MS)).toBeFalse();
    one.wake();
    expect(one.wait(LONG)).toBeTrue();
  });
});
