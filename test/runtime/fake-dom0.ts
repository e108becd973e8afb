// A hypervisor in the test process, as its hardware domain sees it: domctl, sysctl, memory of other domains, and
// what was typed on Xen's console. For what a boot cannot show: interface versions that no Xen here speaks, memory
// that runs out at a certain page, files that are damaged.

import { FwCfg, jobOf } from "./fake-fw-cfg.js";
import { FakeXen, type FakeRecord } from "./fake-xen.js";

const PAGE = 4096;
const SHARED_BASE = 0xffe00000;

const EACCES = -13n;
const EINVAL = -22n;
const ESRCH = -3n;
const EEXIST = -17n;

const HYPERVISOR = { memory_op: 12, console_io: 18, sched_op: 29, sysctl: 35, domctl: 36 };

// XEN_DOMCTL_*
export const DOMCTL = {
  createdomain: 1,
  destroydomain: 2,
  pausedomain: 3,
  unpausedomain: 4,
  getdomaininfo: 5,
  shadow_op: 10,
  max_mem: 11,
  max_vcpus: 15,
  resumedomain: 27,
  sethvmcontext: 34,
  soft_reset: 79,
  set_paging_mempool_size: 86,
} as const;

const XEN_DOMINF_shutdown = 4;

/** A domain that the toolstack has made. */
export class FakeDomain {
  readonly memory = new Map<bigint, DataView>();
  readonly params = new Map<number, bigint>();
  context: Uint8Array | null = null;
  /** What XENMEM_memory_map tells it. */
  e820: { addr: bigint; size: bigint; type: number }[] = [];
  paused = 1;
  /** SHUTDOWN_*; null while it runs. */
  shutdown: number | null = null;

  constructor(readonly id: number) {}

  /** Guest physical memory, which must be there. */
  read(paddr: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i < size; i++) {
      const page = this.memory.get(BigInt(Math.floor((paddr + i) / PAGE)));
      if (page === undefined)
        throw new Error(`d${String(this.id)} has nothing at ${String(paddr)}`);
      bytes[i] = page.getUint8((paddr + i) % PAGE);
    }
    return bytes;
  }
}

export interface Call {
  cmd: number;
  domain: number;
  /** What stands at `u` when Xen gets it. */
  u: DataView;
}

export class FakeDom0 extends FakeXen {
  domctlVersion = 0x15;
  sysctlVersion = 0x15;
  /** Pages that Xen has for domains; and whether it has 2 MiB in one piece. */
  freePages = 1 << 20;
  superpages = true;
  /** The image of the toolstack's job; null: it has none. */
  module: Buffer | null = null;
  /** Files behind it. */
  modules: Buffer[] = [];
  /** What becomes of the job before it is read. */
  damage: (job: Buffer) => Buffer = (job) => job;
  readonly #fwCfg = new FwCfg({
    load8: (at) => this.load8(at),
    store8: (at, value) => {
      this.store8(at, value);
    },
  });
  readonly domctls: Call[] = [];
  readonly #refused = new Map<number, bigint>();
  readonly domains = new Map<number, FakeDomain>();
  /** Lines that went out as they are. */
  relayed = "";
  /** What has been typed on Xen's console and not read yet. */
  typed = Buffer.alloc(0);
  /** What happens while the toolstack sleeps, one after the other; with none left, sleeping is an error. */
  readonly meanwhile: (() => void)[] = [];

  /** Pages of the shared window: ours, or another domain's that is mapped there; null: a hole. */
  readonly #window = new Map<number, DataView | null>();
  #windowUsed = 1;
  #nextPort = 1;
  /** Event channels by how they were bound, for raise(). */
  readonly bound = new Map<string, number>();

  constructor() {
    super();
    this.on("memory_op", 1, (_cmd, arg = 0n) => {
      const [extents, count] = [0, 8].map((offset) => Number(this.load64(Number(arg) + offset)));
      for (let i = 0; i < (count ?? 0); i++)
        this.#window.set(Number(this.load64((extents ?? 0) + i * 8)), null);
      return BigInt(count ?? 0);
    });
    this.on("memory_op", 6, (_cmd, arg = 0n) => this.#populate(Number(arg)));
    this.on("memory_op", 13, (_cmd, arg = 0n) => this.#setMemoryMap(Number(arg)));
    this.on("memory_op", 15, (_cmd, arg = 0n) => {
      this.#window.set(Number(this.load64(Number(arg) + 8)), null);
      return 0n;
    });
    this.on("memory_op", 23, (_cmd, arg = 0n) => this.#mapForeign(Number(arg)));
    // GNTTABOP_map_grant_ref of one of our pages. Where it is in the machine, a device finds it here by the same address.
    this.on("grant_table_op", 0, (_cmd, arg = 0n) => {
      const at = Number(arg);
      const address = this.load64(at);
      this.#window.set(Number(address) / PAGE, new DataView(new ArrayBuffer(PAGE)));
      this.store8(at + 18, 0); // GNTST_okay, 16 bits
      this.store8(at + 19, 0);
      this.store32(at + 20, 1);
      this.store64(at + 24, address);
      return 0n;
    });
    this.on("hvm_op", 0, (_cmd, arg = 0n) => {
      const at = Number(arg);
      const domain = this.domains.get(this.load32(at) & 0xffff);
      domain?.params.set(this.load32(at + 4), this.load64(at + 8));
      return 0n;
    });
    this.on("event_channel_op", 0, (_cmd, arg = 0n) => {
      const port = this.#bind(`interdomain ${String(this.load32(Number(arg) + 4))}`);
      this.store32(Number(arg) + 8, port);
      return 0n;
    });
    this.on("event_channel_op", 1, (_cmd, arg = 0n) => {
      this.store32(Number(arg) + 8, this.#bind(`virq ${String(this.load32(Number(arg)))}`));
      return 0n;
    });
    this.on("event_channel_op", 4, () => 0n);
    let offered = 0;
    this.on("event_channel_op", 6, (_cmd, arg = 0n) => {
      this.store32(Number(arg) + 4, ++offered);
      return 0n;
    });
  }

  #bind(how: string): number {
    const port = this.#nextPort++;
    this.bound.set(how, port);
    return port;
  }

  /** From now on this domctl returns that. */
  refuse(cmd: number, errno: bigint): void {
    this.#refused.set(cmd, errno);
  }

  get log(): FakeRecord[] {
    return this.records.filter(({ kind }) => kind !== "boot");
  }

  /** The only domain, or the last one made. */
  get domain(): FakeDomain {
    const last = [...this.domains.values()].at(-1);
    if (last === undefined) throw new Error("the toolstack has made no domain");
    return last;
  }

  /** The domain shuts down, and VIRQ_DOM_EXC tells of it. */
  shutDown(reason: number): void {
    this.domain.shutdown = reason;
    this.raise(this.bound.get("virq 3") ?? 0);
  }

  protected override view(address: number): DataView {
    if (address < SHARED_BASE) return super.view(address);
    const page = this.#window.get(Math.floor(address / PAGE));
    if (page === null) throw new Error(`a hole at ${address.toString(16)} is touched`);
    if (page !== undefined) return page;
    const fresh = new DataView(new ArrayBuffer(PAGE));
    this.#window.set(Math.floor(address / PAGE), fresh);
    return fresh;
  }

  protected override at(address: number): number {
    return address < SHARED_BASE ? address : address % PAGE;
  }

  protected override hypercall(op: number, args: bigint[]): bigint {
    const at = Number(args[0] ?? 0n);
    if (op === HYPERVISOR.domctl) return this.#domctl(at);
    if (op === HYPERVISOR.sysctl) return this.#sysctl(at);
    if (op === HYPERVISOR.console_io) return this.#consoleIo(args);
    if (op === HYPERVISOR.sched_op && args[0] === 3n) {
      const next = this.meanwhile.shift();
      if (next === undefined) throw new Error("the toolstack sleeps, and nothing will wake it");
      next();
      return 0n;
    }
    return super.hypercall(op, args);
  }

  #sysctl(at: number): bigint {
    if (this.load32(at + 4) !== this.sysctlVersion) return EACCES;
    return 0n;
  }

  #domctl(at: number): bigint {
    if (this.load32(at + 4) !== this.domctlVersion) return EACCES;
    const cmd = this.load32(at);
    const id = this.load32(at + 8) & 0xffff;
    const u = new DataView(this.memory.buffer.slice(at + 16, at + 144));
    if (id === 0x7ff0) return ESRCH; // the question which version it is
    this.domctls.push({ cmd, domain: id, u });
    const refused = this.#refused.get(cmd);
    if (refused !== undefined) return refused;
    if (cmd === DOMCTL.createdomain) {
      // As 4.22 has it: 0 is not to be given away, and only DOMID_ANY asks for any.
      if (id !== 0x7ff5) return EEXIST;
      const domain = new FakeDomain(this.domains.size + 1);
      this.domains.set(domain.id, domain);
      this.store32(at + 8, domain.id);
      return 0n;
    }
    const domain = this.domains.get(id);
    return domain === undefined ? ESRCH : this.#domctlOn(domain, cmd, u, at + 16);
  }

  #domctlOn(domain: FakeDomain, cmd: number, u: DataView, at: number): bigint {
    switch (cmd) {
      case DOMCTL.pausedomain:
        domain.paused++;
        return 0n;
      case DOMCTL.unpausedomain:
        if (domain.paused === 0) return EINVAL;
        domain.paused--;
        return 0n;
      case DOMCTL.getdomaininfo:
        this.store32(
          at + 4,
          (domain.shutdown === null ? 0 : XEN_DOMINF_shutdown) | ((domain.shutdown ?? 255) << 16),
        );
        return 0n;
      case DOMCTL.sethvmcontext: {
        const from = Number(u.getBigUint64(8, true));
        domain.context = new Uint8Array(
          this.memory.buffer.slice(from, from + u.getUint32(0, true)),
        );
        return 0n;
      }
      case DOMCTL.soft_reset:
        if (domain.paused === 0 || domain.shutdown === null) return EINVAL;
        domain.shutdown = null;
        return 0n;
      case DOMCTL.resumedomain:
        domain.shutdown = null;
        return 0n;
      default:
        return 0n;
    }
  }

  #consoleIo([cmd, count = 0n, to = 0n]: bigint[]): bigint {
    if (cmd !== 1n) return 0n;
    const bytes = this.typed.subarray(0, Number(count));
    for (const [index, byte] of bytes.entries()) this.store8(Number(to) + index, byte);
    this.typed = this.typed.subarray(bytes.length);
    return BigInt(bytes.length);
  }

  #populate(at: number): bigint {
    const domain = this.domains.get(this.load32(at + 24) & 0xffff);
    if (domain === undefined) return ESRCH;
    const extents = Number(this.load64(at));
    const count = Number(this.load64(at + 8));
    const pages = 1 << this.load32(at + 16);
    for (let done = 0; done < count; done++) {
      if (pages > this.freePages || (pages > 1 && !this.superpages)) return BigInt(done);
      this.freePages -= pages;
      const gfn = this.load64(extents + done * 8);
      for (let i = 0; i < pages; i++)
        domain.memory.set(gfn + BigInt(i), new DataView(new ArrayBuffer(PAGE)));
    }
    return BigInt(count);
  }

  #setMemoryMap(at: number): bigint {
    const domain = this.domains.get(this.load32(at) & 0xffff);
    if (domain === undefined) return ESRCH;
    const entries = Number(this.load64(at + 16));
    domain.e820 = Array.from({ length: this.load32(at + 8) }, (_, index) => ({
      addr: this.load64(entries + index * 20),
      size: this.load64(entries + index * 20 + 8),
      type: this.load32(entries + index * 20 + 16),
    }));
    return 0n;
  }

  #mapForeign(at: number): bigint {
    const head = this.load64(at);
    const size = Number((head >> 32n) & 0xffffn);
    const domain = this.domains.get(Number(head >> 48n));
    const [idxs, gpfns, errs] = [8, 16, 24].map((offset) => Number(this.load64(at + offset)));
    for (let i = 0; i < size; i++) {
      const page = domain?.memory.get(this.load64((idxs ?? 0) + i * 8));
      if (page === undefined) {
        this.store32((errs ?? 0) + i * 4, Number(EINVAL) >>> 0);
        continue;
      }
      this.#window.set(Number(this.load64((gpfns ?? 0) + i * 8)), page);
    }
    return 0n;
  }

  override imports(): WebAssembly.Imports {
    const base = super.imports();
    return {
      ...base,
      native: {
        fw_cfg_dma: (address: bigint) => {
          const files = this.module === null ? [] : [this.module, ...this.modules];
          this.#fwCfg.request(Number(address), this.damage(jobOf(this.commandLine, files)));
        },
      },
      xen: {
        ...base["xen"],
        run_begins: () => undefined,
        physical_read: () => {
          throw new Error("the toolstack has no boot module to read");
        },
        shared_alloc: (count: number) => {
          const address = SHARED_BASE + this.#windowUsed * PAGE;
          this.#windowUsed += count;
          return address;
        },
        shared_copy: (to: number, from: number, size: number) => {
          for (let i = 0; i < size; i++) this.store8((to >>> 0) + i, this.load8((from >>> 0) + i));
        },
        shared_clear: (at: number, size: number) => {
          for (let i = 0; i < size; i++) this.store8((at >>> 0) + i, 0);
        },
        record_pass_on: (from: number, size: number) => {
          this.relayed += Buffer.from(this.memory.buffer, from, size).toString("latin1") + "\n";
        },
      },
    };
  }
}
