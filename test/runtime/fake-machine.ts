// A domain with memory as a model in the test process: what kexec needs beside the scheduler. RAM, the modules in
// it, spare RAM; other vCPUs, the periodic timer, runstate areas, the grant table; a toolstack that grants soft
// resets; and at the end the jump, which is thrown out of the guest with all that there is to judge it by.

import { FakeScheduler } from "./fake-scheduler.js";
import { GuestEnded } from "./fake-xen.js";

const SHARED_BASE = 0xffe00000;
const PAGE = 4096;
const MIB = 1 << 20;
/** Where linear memory is in RAM. */
const LINEAR = 2 * MIB;
const SHARED_INFO_MASK = 2560;
const SHUTDOWN_soft_reset = 5;
const RUNSTATE_running = 0;
const RUNSTATE_offline = 3;

const ENOENT = -2n;
const EINVAL = -22n;

/** Thrown out of the guest when it jumps. */
export class Jumped extends Error {
  constructor(
    readonly page: number,
    readonly sequenceDigits: number,
  ) {
    super("the guest jumped");
  }
}

export interface Copy {
  to: number;
  from: number;
  bytes: number;
  zeroes: number;
}

/** What kexec_place() wrote. */
export interface Placed {
  entry: number;
  startInfo: number;
  copies: Copy[];
}

export interface MemoryMapEntry {
  addr: number;
  size: number;
  type: number;
}

export class FakeMachine extends FakeScheduler {
  /** All of it, by physical address; linear memory's part is the guest's own. */
  readonly ram = Buffer.alloc(32 * MIB);
  readonly map: MemoryMapEntry[] = [
    { addr: 0, size: 0xa0000, type: 1 },
    { addr: 0xa0000, size: 0x60000, type: 2 },
    { addr: MIB, size: 31 * MIB, type: 1 },
    { addr: 0xfc000000, size: PAGE, type: 3 },
  ];
  readonly rsdp = 0xfc000000n;
  readonly modules: { paddr: number; size: number }[] = [];
  spareEnd = 32 * MIB - 64 * PAGE;
  readonly placed = new Map<number, Placed>();
  /** Of other vCPUs: whether each is up. */
  readonly up = new Map<number, boolean>();
  readonly vcpusReset: number[] = [];
  period: bigint | null = null;
  readonly runstateAreas = new Map<number, bigint>();
  /** Where the domain's grant table frame is mapped; 0: nowhere. */
  grantTable = 0;
  /** The frame that shared_info is said to be at, for a test; null: beyond RAM. */
  sharedInfoFrame: bigint | null = null;
  resets = 0;
  /** Asked of each hypercall, by its number since the start: what it shall answer, unasked for; null: the truth. */
  inject: (call: string, index: number) => bigint | null = () => null;
  index = 0;

  constructor(way: "dom0" | "domu" = "domu") {
    super({}, way);
    this.on("vcpu_op", 1, (_cmd, id = 0n) => this.setUp(Number(id), true));
    this.on("vcpu_op", 2, (_cmd, id = 0n) => this.setUp(Number(id), false));
    this.on("vcpu_op", 3, (_cmd, id = 0n) => {
      const up = id === 0n ? true : this.up.get(Number(id));
      return up === undefined ? ENOENT : BigInt(up);
    });
    this.on("vcpu_op", 4, (_cmd, id = 0n, arg = 0n) => {
      this.store32(
        Number(arg),
        this.up.get(Number(id)) === false ? RUNSTATE_offline : RUNSTATE_running,
      );
      return 0n;
    });
    this.on("vcpu_op", 5, (_cmd, id = 0n, arg = 0n) => {
      const address = this.load64(Number(arg));
      if (address === 0n) this.runstateAreas.delete(Number(id));
      else this.runstateAreas.set(Number(id), address);
      return 0n;
    });
    this.on("vcpu_op", 6, (_cmd, _id, arg = 0n) => {
      this.period = this.load64(Number(arg));
      return 0n;
    });
    this.on("vcpu_op", 7, () => {
      this.period = null;
      return 0n;
    });
    this.on("memory_op", 7, (_cmd, arg = 0n) => {
      if (this.load32(Number(arg) + 4) === 1)
        this.grantTable = Number(this.load64(Number(arg) + 16)) * PAGE;
      return 0n;
    });
    this.on("memory_op", 15, () => {
      this.grantTable = 0;
      return 0n;
    });
    this.on("memory_op", 6, () => 1n);
    this.on("sched_op", 2, (_cmd, arg = 0n) => {
      const reason = this.load32(Number(arg));
      if (reason !== SHUTDOWN_soft_reset) throw new GuestEnded(this.latched ?? reason);
      this.softReset();
      return 0n;
    });
    this.on("vm_assist", 0, () => 0n);
  }

  /** What domain_soft_reset() does to what is modelled here. */
  private softReset(): void {
    this.resets++;
    this.latched = null;
    this.usedPorts.clear();
    this.runstateAreas.clear();
  }

  private setUp(id: number, up: boolean): bigint {
    if (!this.up.has(id)) return ENOENT;
    if (this.up.get(id) === up) return up ? EINVAL : 0n;
    this.up.set(id, up);
    return 0n;
  }

  /** What prepare() may change, and undo() must bring back. */
  get state(): unknown {
    return {
      watchdogs: this.armedWatchdogs,
      deadline: this.deadline,
      period: this.period,
      up: [...this.up],
      runstateAreas: [...this.runstateAreas],
      grantTable: this.grantTable,
      masks: Array.from({ length: 64 }, (_, word) =>
        this.load64(this.sharedInfo + SHARED_INFO_MASK + word * 8),
      ),
      interrupts: this.interrupts,
    };
  }

  protected override hypercall(op: number, args: bigint[]): bigint {
    const injected = this.inject(this.nameOf(op, args), this.index++);
    return injected ?? super.hypercall(op, args);
  }

  /** The singleshot timer's time has come and gone. */
  onTimerPassed(): void {
    this.hypercall(17, [0n]);
  }

  /** Where a grant reference's entry is: the first frame that was asked for XENMAPSPACE_grant_table. */
  grantEntry(ref: number): number {
    return this.grantTable + ref * 8;
  }

  /** Linear memory or RAM, by physical address. */
  private bytesAt(paddr: number, size: number): Buffer {
    const inLinear = paddr - LINEAR;
    if (inLinear >= 0 && inLinear + size <= this.memory.buffer.byteLength)
      return Buffer.from(this.memory.buffer, inLinear, size);
    if (paddr + size > this.ram.length) throw new RangeError(`no RAM at ${paddr.toString(16)}`);
    return this.ram.subarray(paddr, paddr + size);
  }

  physical(paddr: number, size: number): Buffer {
    return Buffer.from(this.bytesAt(paddr, size));
  }

  /** Puts a module into RAM. */
  addModule(bytes: Uint8Array, paddr: number): void {
    this.ram.set(bytes, paddr);
    this.modules.push({ paddr, size: bytes.length });
  }

  /** RAM as it is after the jump's copies, as boot/kexec.S makes them. */
  afterJump(page: number): Buffer {
    const ram = Buffer.from(this.ram);
    Buffer.from(this.memory.buffer).copy(ram, LINEAR);
    const { copies } = this.placed.get(page) ?? { copies: [] };
    for (const { to, from, bytes } of copies) ram.set(ram.subarray(from, from + bytes), to);
    for (const { to, bytes, zeroes } of copies) ram.fill(0, to + bytes, to + bytes + zeroes);
    return ram;
  }

  private bootData(what: number): Buffer {
    switch (what) {
      case 0: {
        const info = Buffer.alloc(56);
        info.writeUInt32LE(0x336ec578, 0);
        info.writeBigUInt64LE(this.rsdp, 32);
        return info;
      }
      case 2:
        return Buffer.concat(
          this.map.map(({ addr, size, type }) => {
            const entry = Buffer.alloc(24);
            entry.writeBigUInt64LE(BigInt(addr), 0);
            entry.writeBigUInt64LE(BigInt(size), 8);
            entry.writeUInt32LE(type, 16);
            return entry;
          }),
        );
      case 3:
        return Buffer.concat(
          this.modules.map(({ paddr, size }) => {
            const entry = Buffer.alloc(32);
            entry.writeBigUInt64LE(BigInt(paddr), 0);
            entry.writeBigUInt64LE(BigInt(size), 8);
            return entry;
          }),
        );
      default:
        return this.bootText(what);
    }
  }

  override imports(): WebAssembly.Imports {
    const imports = super.imports();
    Object.assign(imports["xen"] ?? {}, {
      frame_of: (address: number) => {
        const at = address >>> 0;
        if (at === this.sharedInfo && this.sharedInfoFrame !== null) return this.sharedInfoFrame;
        return BigInt(Math.floor((at >= SHARED_BASE ? at : at + LINEAR) / PAGE));
      },
      boot_data: (what: number, to: number, size: number) => {
        const bytes = this.bootData(what);
        bytes.copy(Buffer.from(this.memory.buffer, to, Math.min(size, bytes.length)));
        return bytes.length;
      },
      physical_read: (to: number, paddr: bigint, size: number) => {
        this.bytesAt(Number(paddr), size).copy(Buffer.from(this.memory.buffer, to, size));
      },
      physical_write: (paddr: bigint, from: number, size: number) => {
        Buffer.from(this.memory.buffer, from, size).copy(this.bytesAt(Number(paddr), size));
      },
      spare_begin: () => BigInt(LINEAR + this.memory.buffer.byteLength),
      spare_end: () => BigInt(this.spareEnd),
      spare_set_end: (end: bigint) => {
        if (end < BigInt(LINEAR + this.memory.buffer.byteLength)) return 0;
        this.spareEnd = Number(end);
        return 1;
      },
      vcpu_start: (id: number) => {
        this.up.set(id, true);
        return 0n;
      },
      vcpu_reset: (id: number) => {
        this.vcpusReset.push(id);
      },
      kexec_room: () => 200,
      kexec_place: (
        page: number,
        entry: number,
        startInfo: number,
        copies: number,
        count: number,
      ) => {
        const word = (i: number): number => this.load32(copies + i * 4);
        this.placed.set(page >>> 0, {
          entry: entry >>> 0,
          startInfo: startInfo >>> 0,
          copies: Array.from({ length: count }, (_, i) => ({
            to: word(i * 4),
            from: word(i * 4 + 1),
            bytes: word(i * 4 + 2),
            zeroes: word(i * 4 + 3),
          })),
        });
      },
      kexec_jump: (page: number, digits: bigint) => {
        throw new Jumped(page >>> 0, Number(digits));
      },
      crash_reserve: () => undefined,
    });
    return imports;
  }
}
