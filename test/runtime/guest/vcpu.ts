// Programs for a secondary vCPU: one export each.

import { DOMID_SELF, Vcpu, VcpuBarrier, VcpuProgram, evtchn } from "xenlet";

const word: usize = memory.data(16, 8);
const vcpu = Vcpu.start(1);
let program = new VcpuProgram();

export function everyStep(): void {
  const meeting = new VcpuBarrier(3);
  program = new VcpuProgram(10);
  program.call(24, 3, 1).after(5, 7);
  program.send(vcpu.port);
  program.block();
  program.poll(vcpu.port, 1234);
  program.take().repeat(2);
  program.receive();
  program.pause(100, 50);
  program.await(word, 0xff, 0);
  program.meet(meeting);
  program.writeMsr(0x80f, 0x1ff);
  vcpu.run(program);
}

export function storesAndAwaits(): i64 {
  program = new VcpuProgram();
  program.store(word, 0x1_0000_0005);
  program.await(word, 0xf, 5, 10);
  program.await(word, 0xf, 6, 10).orEnd();
  program.call(24, 3, 1);
  vcpu.run(program);
  return vcpu.result;
}

/** A call with a status in its argument, from which the next one's argument is made. */
export function passesOn(): u64 {
  program = new VcpuProgram();
  const map = program.argument(24);
  const unmap = program.argument(24);
  program.call(20, 0, map, 1).statusAt(map + 18);
  program.copy(map + 20, unmap + 16);
  program.call(20, 1, unmap, 1);
  vcpu.run(program);
  return program.step(0).count(-3);
}

/** A call that is answered in many ways, `rounds` times. */
export function asks(rounds: u64): void {
  program = new VcpuProgram();
  program.call(24, 3, 1);
  vcpu.run(program.setRounds(rounds));
}

export function answers(): i32 {
  return program.step(0).answers().length;
}
export function answer(i: i32): i64 {
  return program.step(0).answers()[i].value;
}
export function answered(value: i64): u64 {
  return program.step(0).count(value);
}
export function uncounted(): u64 {
  return program.step(0).uncounted;
}
export function calls(): u64 {
  return program.calls;
}
export function progress(): u64 {
  return vcpu.progress;
}

export function tooLong(): void {
  const short = new VcpuProgram(1);
  short.take();
  short.take();
}

/** Begins what does not end, and forgets it; then makes garbage of all that may be. */
export function forgets(): usize {
  const one = new VcpuProgram();
  const argument = one.argument(8);
  store<u64>(argument, DOMID_SELF);
  one.call(24, 3, argument).repeat(1_000_000);
  vcpu.run(one);
  return argument;
}
export function collect(): u64 {
  program = new VcpuProgram();
  for (let i = 0; i < 1000; i++) new StaticArray<u64>(100).fill(0x6666);
  __collect();
  for (let i = 0; i < 1000; i++) new StaticArray<u64>(100).fill(0x7777);
  return vcpu.progress;
}

export function again(): void {
  vcpu.yield(1);
}

export function pingsOverFifo(): i64 {
  const result = evtchn.useFifo();
  if (result != 0) return result;
  return evtchn.bindIpi(2);
}
