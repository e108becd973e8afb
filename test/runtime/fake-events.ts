// Event channels as a model in the test process: the way to sleep, and the FIFO ABI as xen/common/event_fifo.c has it, with
// a hook at each step of the guest's at which Xen may come in between.

import { FakeScheduler } from "./fake-scheduler.js";

const PAGE = 4096;
const EVTCHN_MASK = 2560;
const PENDING = 31n;
const MASKED = 30n;
const LINKED = 29n;
const LINK_MASK = 0x1ffff;
const DEFAULT_PRIORITY = 7;
const SCHED_OP = 29;
const SCHEDOP_poll = 3n;
const EINVAL = -22n;
const ENOSPC = -28n;
const ENOSYS = -38n;
const EOPNOTSUPP = -95n;

interface FifoState {
  control: number;
  pages: number[];
  tails: number[];
  priorities: Map<number, number>;
  /** Raised while the event array had no word for it. */
  early: Set<number>;
}

/** What may happen between two instructions of the guest's. */
export interface Hooks {
  /** After the last look for events, before the way to sleep. */
  beforeSleep?: () => void;
  /** On the way: behind its own look at the upcall flag, before the hypercall. */
  window?: () => void;
  /** In the hypercall. */
  poll?: () => void;
  compareExchange?: (address: number) => void;
  takeReady?: () => void;
  /** Around the instruction by which the guest takes a bit of the mask itself. */
  beforeUnmasking?: () => void;
  afterUnmasking?: () => void;
}

export class FakeEvents extends FakeScheduler {
  hooks: Hooks = {};
  fifo: FifoState | null = null;
  /** Where the last SCHEDOP_poll's argument is. */
  pollArgument = 0;

  /** `restarts`: an upcall in the window before the hypercall skips it, as boot/traps.S does. */
  constructor(private readonly restarts = true) {
    super();
    this.on("event_channel_op", 9, (_cmd, arg = 0n) => this.unmask(this.load32(Number(arg))));
    this.on("event_channel_op", 10, () => {
      this.fifo = null;
      return 0n;
    });
    this.on("event_channel_op", 11, (_cmd, arg = 0n) => this.initControl(Number(arg)));
    this.on("event_channel_op", 12, (_cmd, arg = 0n) => this.expandArray(Number(arg)));
    this.on("event_channel_op", 13, (_cmd, arg = 0n) => {
      if (!this.fifo) return ENOSYS;
      const [port, priority] = [this.load32(Number(arg)), this.load32(Number(arg) + 4)];
      if (priority > 15) return EINVAL;
      this.fifo.priorities.set(port, priority);
      return 0n;
    });
  }

  private initControl(at: number): bigint {
    if (this.fifo) return EINVAL;
    const early = new Set<number>();
    for (let port = 1; port < 4096; port++)
      if (this.bit(this.sharedInfo + 2048, port)) early.add(port);
    this.fifo = {
      control: Number(this.load64(at)) * PAGE,
      pages: [],
      tails: new Array<number>(16).fill(0),
      priorities: new Map(),
      early,
    };
    return 0n;
  }

  private expandArray(at: number): bigint {
    const { fifo } = this;
    if (!fifo) return EOPNOTSUPP;
    if (fifo.pages.length === 128) return ENOSPC;
    fifo.pages.push(Number(this.load64(at)) * PAGE);
    for (const port of [...fifo.early]) if (this.wordOf(port) !== null) this.raise(port);
    return 0n;
  }

  /** The address of a port's event word; null while the array does not reach so far. */
  wordOf(port: number): number | null {
    const page = this.fifo?.pages[port >> 10];
    return page === undefined ? null : page + (port & 1023) * 4;
  }

  private has(word: number, bit: bigint): boolean {
    return ((BigInt(this.load32(word)) >> bit) & 1n) === 1n;
  }

  private put(word: number, bit: bigint, value: boolean): void {
    const mask = 1n << bit;
    const old = BigInt(this.load32(word));
    this.store32(word, Number(value ? old | mask : old & ~mask));
  }

  override raise(port: number): void {
    if (this.fifo) this.setPending(this.fifo, port);
    else super.raise(port);
  }

  /** evtchn_fifo_set_pending. */
  private setPending(fifo: FifoState, port: number): void {
    const word = this.wordOf(port);
    if (word === null) {
      fifo.early.add(port);
      return;
    }
    this.put(word, PENDING, true);
    if (this.has(word, MASKED) || this.has(word, LINKED)) return;
    this.put(word, LINKED, true);
    for (const [queue, tail] of fifo.tails.entries()) if (tail === port) fifo.tails[queue] = 0;
    const queue = fifo.priorities.get(port) ?? DEFAULT_PRIORITY;
    const tail = this.wordOf(fifo.tails[queue] ?? 0);
    const linked = fifo.tails[queue] !== 0 && tail !== null && this.has(tail, LINKED);
    if (linked) this.store32(tail, ((this.load32(tail) & ~LINK_MASK) | port) >>> 0);
    else this.store32(fifo.control + 8 + queue * 4, port);
    fifo.tails[queue] = port;
    if (linked || this.bit(fifo.control, queue)) return;
    this.store32(fifo.control, this.load32(fifo.control) | (1 << queue));
    this.upcall(0);
  }

  private unmask(port: number): bigint {
    if (this.fifo) {
      const word = this.wordOf(port) ?? 0;
      this.put(word, MASKED, false);
      if (this.has(word, PENDING)) this.setPending(this.fifo, port);
      return 0n;
    }
    /* evtchn_2l_unmask: what is not masked any more raises nothing. */
    if (!this.bit(this.sharedInfo + EVTCHN_MASK, port)) return 0n;
    const mask = this.sharedInfo + EVTCHN_MASK + Math.floor(port / 64) * 8;
    this.store64(mask, this.load64(mask) & ~(1n << BigInt(port % 64)));
    if (this.bit(this.sharedInfo + 2048, port)) this.upcall(port);
    return 0n;
  }

  protected override hypercall(op: number, args: bigint[]): bigint {
    if (op === SCHED_OP && args[0] === SCHEDOP_poll) {
      this.pollArgument = Number(args[1]);
      this.hooks.poll?.();
    }
    return super.hypercall(op, args);
  }

  override imports(): WebAssembly.Imports {
    const imports = super.imports();
    const xen = imports["xen"] ?? {};
    const sleep = xen["sleep_unless_upcall"] as (...args: number[]) => bigint;
    const compareExchange = xen["compare_exchange32"] as (...args: number[]) => number;
    const clear = xen["clear_bit"] as (at: number, bit: number) => number;
    const exchange = xen["exchange64"] as (at: number, value: bigint) => bigint;
    xen["sleep_unless_upcall"] = (cmd: number, arg: number): bigint => {
      this.hooks.beforeSleep?.();
      if (this.upcallSeen !== 0) return 0n;
      this.hooks.window?.();
      return this.restarts
        ? sleep(cmd, arg)
        : this.hypercall(SCHED_OP, [BigInt(cmd), BigInt(arg >>> 0)]);
    };
    xen["compare_exchange32"] = (at: number, expected: number, value: number): number => {
      this.hooks.compareExchange?.(at >>> 0);
      return compareExchange(at, expected, value);
    };
    xen["clear_bit"] = (at: number, bit: number): number => {
      const takesMask = at >>> 0 === this.sharedInfo + EVTCHN_MASK;
      if (takesMask) this.hooks.beforeUnmasking?.();
      const old = clear(at, bit);
      if (takesMask) this.hooks.afterUnmasking?.();
      return old;
    };
    xen["exchange64"] = (at: number, value: bigint): bigint => {
      if (at >>> 0 === this.fifo?.control) this.hooks.takeReady?.();
      return exchange(at, value);
    };
    return imports;
  }
}
