// A hypervisor in the test process: it answers a guest's intrinsics (src/guest/xenlet/internal/intrinsics.ts), so that what
// the runtime does with Xen's answers can be tested answer by answer, rare ones included. It shows nothing
// about Xen itself: that is what the boots are for.

import { randomFillSync } from "node:crypto";

const SHARED_BASE = 0xffe00000;
const PAGE = 4096;

/** Thrown out of the guest when it asks for a shutdown. */
export class GuestEnded extends Error {
  constructor(readonly reason: number) {
    super(`the guest shut down with reason ${String(reason)}`);
  }
}

export interface FakeRecord {
  kind: string;
  text: string;
}

/** A hypercall's arguments after its number, and what it returns. */
export type Hypercall = (...args: bigint[]) => bigint;

const MULTICALL = 13;
const MULTICALL_ENTRY = 64;
const HYPERCALL = {
  memory_op: 12,
  grant_table_op: 20,
  vcpu_op: 24,
  sched_op: 29,
  event_channel_op: 32,
  hvm_op: 34,
  vm_assist: 21,
} as const;
export type HypercallName = keyof typeof HYPERCALL;

// struct shared_info, 64-bit layout (xen.h).
const PENDING_SEL = 8;
/** enum boot_data of boot/boot.h. */
const BOOT_CMDLINE = 1;
const BOOT_RUN_BLOCK = 4;
const BOOT_ARGUMENTS = 5;
const TIME = 32;
const EVTCHN_PENDING = 2048;
const EVTCHN_MASK = 2560;

export class FakeXen {
  readonly records: FakeRecord[] = [];
  /** Every hypercall made, as `name(cmd)`. */
  readonly calls: string[] = [];
  commandLine = "nonce=test";
  /** struct run_block of boot/run_block.h; empty: none. */
  runBlock: Buffer = Buffer.alloc(0);
  /** The time stamp counter. Each read adds `tick`. */
  tsc = 1_000_000n;
  tick = 0n;
  /** Where the guest maps shared_info. */
  readonly sharedInfo = SHARED_BASE;
  memory!: WebAssembly.Memory;
  protected readonly handlers = new Map<string, Hypercall>();
  private readonly window = new DataView(new ArrayBuffer(16 * PAGE));
  /** The first is kept for shared_info. */
  private windowUsed = 1;
  /** Whether an upcall came since the guest last asked. */
  upcallSeen = 0;
  /** The program runs, and nothing has said so yet (boot/record.c). */
  stageUnsaid = false;
  /** As of Xen 4.15, for a domain that is not PV. */
  hasMulticall = true;
  protected vcpuInfo = 0;
  private ports = 0;

  constructor() {
    this.on("memory_op", 7, () => 0n);
    this.on("hvm_op", 0, () => 0n);
    this.on("sched_op", 0, () => 0n);
    this.on("sched_op", 2, (_cmd, arg = 0n) => {
      throw new GuestEnded(this.load32(Number(arg)));
    });
    for (const [cmd, portAt] of [
      [1, 8], // bind_virq
      [6, 4], // alloc_unbound
      [7, 4], // bind_ipi
    ] as const) {
      this.on("event_channel_op", cmd, (_cmd, arg = 0n) => {
        this.store32(Number(arg) + portAt, ++this.ports);
        return 0n;
      });
    }
    this.on("event_channel_op", 3, () => 0n);
    this.on("event_channel_op", 9, (_cmd, arg = 0n) => {
      const port = this.load32(Number(arg));
      const masked = this.clearBit(this.sharedInfo + EVTCHN_MASK, port);
      if (masked && this.bit(this.sharedInfo + EVTCHN_PENDING, port)) this.upcall(port);
      return 0n;
    });
  }

  /** Pages of the shared window in use. */
  get windowPages(): number {
    return this.windowUsed;
  }

  /** Replaces the answer to a hypercall's command. */
  on(name: HypercallName, cmd: number, handler: Hypercall): void {
    this.handlers.set(`${name}(${String(cmd)})`, handler);
  }

  /** The answer that is in place, for one that builds on it. */
  protected handlerOf(name: HypercallName, cmd: number): Hypercall {
    return this.handlers.get(`${name}(${String(cmd)})`) ?? (() => -38n);
  }

  /** Raises an event as Xen does: pending bit, selector, upcall. Masked, it stops at the pending bit. */
  raise(port: number): void {
    this.setBit(this.sharedInfo + EVTCHN_PENDING, port);
    if (!this.bit(this.sharedInfo + EVTCHN_MASK, port)) this.upcall(port);
  }

  protected sayStage(): void {
    if (this.stageUnsaid) this.records.push({ kind: "boot", text: "stage=runtime" });
    this.stageUnsaid = false;
  }

  protected upcall(port: number): void {
    this.setBit(this.sharedInfo + PENDING_SEL, Math.floor(port / 64));
    if (this.vcpuInfo !== 0) this.upcallSeen = 1;
  }

  /** Sets struct vcpu_time_info of vCPU 0. */
  setTime(fields: {
    version?: number;
    stamp: bigint;
    base: bigint;
    mul: number;
    shift: number;
  }): void {
    const at = this.sharedInfo + TIME;
    this.store32(at, fields.version ?? 2);
    this.store64(at + 8, fields.stamp);
    this.store64(at + 16, fields.base);
    this.store32(at + 24, fields.mul);
    this.view(at + 28).setInt8(this.at(at + 28), fields.shift);
  }

  /** What holds `address`: linear memory or the shared window. Beyond either is a RangeError, where a machine would trap. */
  protected view(address: number): DataView {
    return address >= SHARED_BASE ? this.window : new DataView(this.memory.buffer);
  }

  protected at(address: number): number {
    return address >= SHARED_BASE ? address - SHARED_BASE : address;
  }

  load8(address: number): number {
    return this.view(address).getUint8(this.at(address));
  }

  store8(address: number, value: number): void {
    this.view(address).setUint8(this.at(address), value);
  }

  load32(address: number): number {
    return this.view(address).getUint32(this.at(address), true);
  }

  store32(address: number, value: number): void {
    this.view(address).setUint32(this.at(address), value, true);
  }

  load64(address: number): bigint {
    return this.view(address).getBigUint64(this.at(address), true);
  }

  store64(address: number, value: bigint): void {
    this.view(address).setBigUint64(this.at(address), value, true);
  }

  bit(address: number, bit: number): boolean {
    return ((this.load64(address + Math.floor(bit / 64) * 8) >> BigInt(bit % 64)) & 1n) === 1n;
  }

  private setBit(address: number, bit: number): boolean {
    const old = this.bit(address, bit);
    const word = address + Math.floor(bit / 64) * 8;
    this.store64(word, this.load64(word) | (1n << BigInt(bit % 64)));
    return old;
  }

  private clearBit(address: number, bit: number): boolean {
    const old = this.bit(address, bit);
    const word = address + Math.floor(bit / 64) * 8;
    this.store64(word, this.load64(word) & ~(1n << BigInt(bit % 64)));
    return old;
  }

  /** A hypercall, as `name(cmd)`. */
  protected nameOf(op: number, args: bigint[]): string {
    const name =
      Object.entries(HYPERCALL).find(([, number]) => number === op)?.[0] ??
      `hypercall ${String(op)}`;
    return `${name}(${String(args[0])})`;
  }

  protected hypercall(op: number, args: bigint[]): bigint {
    if (op === MULTICALL && this.hasMulticall)
      return this.multicall(Number(args[0]), Number(args[1]));
    const key = this.nameOf(op, args);
    this.calls.push(key);
    return this.handlers.get(key)?.(...args) ?? -38n; // -ENOSYS
  }

  /** Each of `count` struct multicall_entry, as if it had been made by itself. */
  private multicall(entries: number, count: number): bigint {
    for (let at = entries; at < entries + count * MULTICALL_ENTRY; at += MULTICALL_ENTRY) {
      const args = [0, 1, 2, 3, 4, 5].map((i) => this.load64(at + 16 + i * 8));
      const result = this.hypercall(Number(this.load64(at)), args);
      this.store64(at + 8, BigInt.asUintN(64, result));
    }
    return 0n;
  }

  private text(pointer: number, units: number): string {
    return Buffer.from(this.memory.buffer, pointer, units * 2).toString("utf16le");
  }

  /** What boot_data() has that does not depend on a machine: the command line, and the arguments that it stands for. */
  protected bootText(what: number): Buffer {
    if (what === BOOT_CMDLINE) return Buffer.from(this.commandLine);
    if (what === BOOT_RUN_BLOCK) return this.runBlock;
    if (what !== BOOT_ARGUMENTS) return Buffer.alloc(0);
    const words = this.commandLine.split(" ").filter((word) => !/^(?:nonce|on|seq)=|^$/.test(word));
    return Buffer.from(["guest", ...words].map((word) => `${word}\0`).join(""));
  }

  /** The import object of a guest module. Wasm's i32 and i64 arrive signed; addresses are not. */
  imports(): WebAssembly.Imports {
    const hypercall = (op: number, ...args: bigint[]): bigint =>
      this.hypercall(
        op,
        args.map((a) => BigInt.asUintN(64, a)),
      );
    return {
      env: {
        abort: (message: number, _file: number, line: number) => {
          const text = message === 0 ? "" : this.text(message, this.load32(message - 4) / 2);
          this.records.push({ kind: "abort", text: `line=${String(line)} text=${text}` });
          throw new GuestEnded(3);
        },
      },
      xen: {
        hypercall1: hypercall,
        hypercall2: hypercall,
        hypercall3: hypercall,
        hypercall4: hypercall,
        hypercall5: hypercall,
        load8: (at: number) => this.view(at >>> 0).getUint8(this.at(at >>> 0)),
        load32: (at: number) => this.load32(at >>> 0),
        load64: (at: number) => this.load64(at >>> 0),
        store8: (at: number, value: number) => {
          this.view(at >>> 0).setUint8(this.at(at >>> 0), value);
        },
        store32: (at: number, value: number) => {
          this.store32(at >>> 0, value);
        },
        store64: (at: number, value: bigint) => {
          this.store64(at >>> 0, BigInt.asUintN(64, value));
        },
        exchange64: (at: number, value: bigint) => {
          const old = this.load64(at >>> 0);
          this.store64(at >>> 0, BigInt.asUintN(64, value));
          return old;
        },
        compare_exchange32: (at: number, expected: number, value: number) => {
          const old = this.load32(at >>> 0);
          if (old === expected >>> 0) this.store32(at >>> 0, value >>> 0);
          return old;
        },
        set_bit: (at: number, bit: number) => Number(this.setBit(at >>> 0, bit)),
        clear_bit: (at: number, bit: number) => Number(this.clearBit(at >>> 0, bit)),
        barrier: () => undefined,
        fence: () => undefined,
        rdtsc: () => (this.tsc += this.tick),
        interrupts_on: () => undefined,
        interrupts_off: () => undefined,
        sleep_unless_upcall: (cmd: number, arg: number) => {
          this.sayStage();
          return this.upcallSeen
            ? 0n
            : this.hypercall(HYPERCALL.sched_op, [BigInt(cmd), BigInt(arg >>> 0)]);
        },
        take_upcall: () => {
          const seen = this.upcallSeen;
          this.upcallSeen = 0;
          return seen;
        },
        shared_info_place: () => this.sharedInfo,
        set_shared_info: () => undefined,
        set_vcpu_info: (at: number) => {
          this.vcpuInfo = at >>> 0;
        },
        upcall_vector: () => 0x20,
        shared_alloc: (count: number) => {
          const at = SHARED_BASE + this.windowUsed * PAGE;
          this.windowUsed += count;
          return at;
        },
        out_of_memory: () => {
          throw new Error("the guest is out of memory");
        },
        shared_map: () => 0,
        frame_of: (at: number) => BigInt((at >>> 0) / PAGE),
        random_bytes: (to: number, size: number) => {
          randomFillSync(Buffer.from(this.memory.buffer, to, size));
        },
        console_announce: () => undefined,
        console_attach: () => undefined,
        console_drained: () => 1,
        vcpu_reset: () => undefined,
        set_event_view: () => undefined,
        boot_data: (what: number, to: number, size: number) => {
          const bytes = this.bootText(what);
          bytes.copy(Buffer.from(this.memory.buffer, to, Math.min(size, bytes.length)));
          return bytes.length;
        },
        program_begins: () => {
          this.stageUnsaid = true;
        },
        say_stage: () => {
          this.sayStage();
        },
        record: (kind: number, kindUnits: number, text: number, textUnits: number) => {
          this.stageUnsaid = false;
          this.records.push({ kind: this.text(kind, kindUnits), text: this.text(text, textUnits) });
        },
      },
    };
  }
}
