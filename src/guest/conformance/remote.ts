// Another vCPU of the domain, which does one thing after another for vCPU 0: native/remote-vcpu.c. It needs no event channel, no
// shared_info and no vcpu_info, so that it continues whatever becomes of these.

import { sched } from "xenlet";
import { VCPUOP_down, VCPUOP_up } from "xenlet/raw/abi/vcpu";
import { describeResult } from "xenlet/raw/errno";
import { vcpu_op } from "xenlet/raw/hypercall";

@external("native", "remote_start") declare function remote_start(id: u32): i64;
@external("native", "remote_ask")
declare function remote_ask(id: u32, request: u32, a0: u64, a1: u64, a2: u64, a3: u64): void;
@external("native", "remote_answered") declare function remote_answered(id: u32): u32;
@external("native", "remote_result") declare function remote_result(id: u32): i64;
@external("native", "remote_turns") declare function remote_turns(id: u32): u64;
@external("native", "remote_holds") declare function remote_holds(): u32;
@external("native", "remote_let_go") declare function remote_let_go(): void;

/** enum request. */
const enum Request {
  HYPERCALL = 0,
  READ_MSR = 1,
  WRITE_MSR = 2,
  READ_DR0 = 3,
  WRITE_DR0 = 4,
  HOLD_REGISTERS = 5,
  LAPIC_ON = 6,
  LOAD32 = 7,
  READ_PORT = 8,
}

/** In the order of the bit map of lostRegisters(). */
export const HELD_REGISTERS = [
  "rax",
  "rbx",
  "rcx",
  "rdx",
  "rsi",
  "rdi",
  "rbp",
  "r8 or xmm8",
  "r9 or xmm9",
  "r10 or xmm10",
  "r11 or xmm11",
  "r12 or xmm12",
  "r13 or xmm13",
  "r14 or xmm14",
  "r15 or xmm15",
];

export class RemoteVcpu {
  private constructor(readonly id: u32) {}

  /** Starts it. Ends the domain if Xen refuses. */
  static start(id: u32): RemoteVcpu {
    const result = remote_start(id);
    if (result != 0) throw new Error("vCPU " + id.toString() + " was not started: " + describeResult(result));
    return new RemoteVcpu(id);
  }

  private ask(request: Request, a0: u64 = 0, a1: u64 = 0, a2: u64 = 0, a3: u64 = 0): void {
    while (!this.isIdle) sched.yield();
    remote_ask(this.id, request, a0, a1, a2, a3);
  }

  private answer(): i64 {
    while (!this.isIdle) sched.yield();
    return remote_result(this.id);
  }

  get isIdle(): bool {
    return remote_answered(this.id) != 0;
  }

  /** Of its loop, while it has nothing to do. */
  get turns(): u64 {
    return remote_turns(this.id);
  }

  /** Xen's own number. */
  hypercall(op: u32, a0: u64, a1: u64 = 0, a2: u64 = 0): i64 {
    this.beginHypercall(op, a0, a1, a2);
    return this.answer();
  }

  /** Without waiting for it: it may sleep in there. */
  beginHypercall(op: u32, a0: u64, a1: u64 = 0, a2: u64 = 0): void {
    this.ask(Request.HYPERCALL, op, a0, a1, a2);
  }

  readMsr(msr: u32): u64 {
    this.ask(Request.READ_MSR, msr);
    return this.answer();
  }

  writeMsr(msr: u32, value: u64): void {
    this.ask(Request.WRITE_MSR, msr, value);
    this.answer();
  }

  /** Without waiting for it: the machine may stand still. */
  beginWriteMsr(msr: u32, value: u64): void {
    this.ask(Request.WRITE_MSR, msr, value);
  }

  get debugRegister(): u64 {
    this.ask(Request.READ_DR0);
    return this.answer();
  }

  set debugRegister(value: u64) {
    this.ask(Request.WRITE_DR0, value);
    this.answer();
  }

  turnLapicOn(): void {
    this.ask(Request.LAPIC_ON);
    this.answer();
  }

  /** From now on every register has a value of its own, until lostRegisters(). */
  holdRegisters(): void {
    this.ask(Request.HOLD_REGISTERS);
    while (remote_holds() == 0) sched.yield();
  }

  /** Reads an I/O port, without waiting for it: a device model may have to answer. */
  beginReadPort(port: u16): void {
    this.ask(Request.READ_PORT, port);
  }

  /** A bit map of those of HELD_REGISTERS that were lost meanwhile. */
  lostRegisters(): u32 {
    remote_let_go();
    return <u32>this.answer();
  }

  /** Takes it down, in the middle of its loop. It continues there after up(). */
  down(): i64 {
    return vcpu_op(VCPUOP_down, this.id, 0);
  }

  up(): i64 {
    return vcpu_op(VCPUOP_up, this.id, 0);
  }

  /** Waits until it has gone round its loop `count` times more: Xen has put it on a CPU again each time. */
  turn(count: u64): void {
    const until = this.turns + count;
    while (this.turns < until) sched.yield();
  }
}
