// Xen's scheduler interface as a model in the test process: virtual time, event channels, timers, and the
// operations with the answers that the guest tests assert on the real one. Its use is to be wrong on purpose:
// each of `Rules` can be bent, and then a guest test must fail. That the unbent model agrees with Xen is shown
// by the same guest tests, which pass on both.

import { FakeXen, GuestEnded } from "./fake-xen.js";

/** Thrown out of a guest that sleeps with nothing left to wake it. */
export class GuestHung extends Error {
  constructor() {
    super("the guest sleeps for ever");
  }
}

export const EPERM = -1n;
export const ESRCH = -3n;
export const EFAULT = -14n;
export const EBUSY = -16n;
export const EINVAL = -22n;
export const ENOSPC = -28n;
export const ENOSYS = -38n;

/** What Xen 4.17 does: do_sched_op and what it calls, xen/common/sched/core.c. */
export const XEN = {
  yield: 0n,
  block: 0n,
  blockSeesUpcall: true,
  blockSleeps: true,
  blockClearsMask: true,
  /** Not Xen's: that boot code looks for an upcall before it blocks. */
  lookBeforeBlock: true,
  /** Operations that take no notice of their argument. */
  ignoresArgument: [0, 1] as number[],
  /** Operations that answer -EFAULT to an argument that cannot be read. */
  faults: [2, 3, 4, 5, 6, 7] as number[],
  /** Whether an argument may begin at any address, and all 64 bits of that count. */
  anyAlignment: true,
  wholeAddress: true,
  unknownCommand: ENOSYS,
  commandBits: 32,
  compat: ENOSYS,
  pollMaxPorts: 128,
  /** How many of the ports are looked at. */
  pollLooksAt: 128,
  pollSeesPending: true,
  pollSeesMasked: true,
  pollSeesUnmasked: true,
  pollKeepsPending: true,
  pollUpcallFirst: true,
  pollHeedsInterruptFlag: true,
  pollNoPort: EINVAL,
  pollUnusablePort: EINVAL,
  pollUnboundPort: 0n,
  pollChecksAllPorts: false,
  pollPortsFault: EFAULT,
  pollReadsNoPorts: true,
  /** What is added to a deadline, in ns. */
  pollDelay: 0n,
  pollPastDeadline: true,
  pollTimerStays: true,
  pollTimerReplaced: true,
  pollWakesOnPort: true,
  pollOneWakesOnAny: false,
  pollManyWakesOnAny: true,
  pollWakesOnUpcall: true,
  pendingIsSilent: true,
  watchdogTimers: 2,
  watchdogFirst: 1n,
  watchdogFull: BigInt.asUintN(32, ENOSPC),
  watchdogPoked: 0n,
  watchdogPokeRestarts: true,
  watchdogUnknown: EINVAL,
  watchdogDestroyFrees: true,
  watchdogDestroyStops: true,
  watchdogReusesLowest: true,
  remoteUnknown: ESRCH,
  remoteSelfIsUnknown: true,
  remoteForbidden: EPERM,
  pinForbidden: EPERM,
  pinForbiddenUnread: true,
  pinned: EBUSY,
  pinOffline: EINVAL,
  unpinUnpinned: EINVAL,
  unpin: 0n,
  unpinByAnyNegative: true,
  pin: 0n,
};
export type Rules = typeof XEN;

const SHARED_BASE = 0xffe00000;
const PAGE = 4096;
const UPCALL_PENDING = 0;
const UPCALL_MASK = 1;
const PENDING_SEL = 8;
const EVTCHN_PENDING = 2048;
const EVTCHN_MASK = 2560;
const HYPERVISOR = { sched_op_compat: 6, xen_version: 17, sched_op: 29 };
/** Of the domain that the model is Xen for, if it is a domU. */
const OWN_DOMID = 1;
const DOMID_SELF = 0x7ff0;
const SECOND = 1_000_000_000n;
/** What a hypercall takes, in ns. */
const HYPERCALL_TIME = 1000n;

class Fault extends Error {}

interface Port {
  virq: number | null;
  unbound: boolean;
}

export class FakeScheduler extends FakeXen {
  readonly rules: Rules;
  protected readonly usedPorts = new Map<number, Port>();
  protected interrupts = false;
  /** The ports of the poll that the vCPU sleeps in. */
  private polling: number[] | null = null;
  private asleep = false;
  private pollTimer: bigint | null = null;
  private timer: bigint | null = null;
  private readonly watchdogs: { used: boolean; due: bigint | null }[];
  private pin: number | null = null;
  protected latched: number | null = null;

  constructor(
    bent: Partial<Rules> = {},
    private readonly way: "dom0" | "domu" = "dom0",
  ) {
    super();
    this.rules = { ...XEN, ...bent };
    this.watchdogs = Array.from({ length: this.rules.watchdogTimers }, () => ({
      used: false,
      due: null,
    }));
    this.commandLine = `nonce=test on=${way}`;
    this.tsc = 10_000_000n;
    this.tick = 100n;
    this.setTime({ stamp: 0n, base: 0n, mul: 0x80000000, shift: 1 }); // one tick, one ns
    this.operations();
    this.eventChannels();
    this.on("vcpu_op", 3, (_cmd, id = 0n) => (id === 0n ? 1n : -2n));
    this.on("vcpu_op", 8, (_cmd, _id, arg = 0n) => {
      this.timer = this.load64(Number(arg));
      return 0n;
    });
    this.on("vcpu_op", 9, () => {
      this.timer = null;
      return 0n;
    });
  }

  /** By id, from 1 on: the seconds that each armed one has left, rounded up. */
  get armedWatchdogs(): (number | null)[] {
    return this.watchdogs.map(({ due }) =>
      due === null ? null : Math.ceil(Number(due - this.tsc) / Number(SECOND)),
    );
  }

  /** Of the singleshot timer. */
  get deadline(): bigint | null {
    return this.timer;
  }

  private operations(): void {
    this.on("sched_op", 0, (_cmd, arg = 0n) => this.ignoring(0, arg, () => this.rules.yield));
    this.on("sched_op", 1, (_cmd, arg = 0n) => this.ignoring(1, arg, () => this.block()));
    this.on(
      "sched_op",
      2,
      this.reading(2, 4, (at) => this.shutdown(this.load32(at))),
    );
    this.on(
      "sched_op",
      3,
      this.reading(3, 24, (at) => this.poll(at)),
    );
    this.on(
      "sched_op",
      4,
      this.reading(4, 8, (at) => this.remoteShutdown(this.load32(at) & 0xffff)),
    );
    this.on(
      "sched_op",
      5,
      this.reading(5, 4, (at) => {
        this.latched ??= this.load32(at) & 0xff;
        return 0n;
      }),
    );
    this.on(
      "sched_op",
      6,
      this.reading(6, 8, (at) => this.watchdog(this.load32(at), this.load32(at + 4))),
    );
    const pinOverride = this.reading(7, 4, (at) => this.pinOverride(this.load32(at) | 0));
    this.on("sched_op", 7, (cmd, arg = 0n) => {
      const refused = this.way === "domu" && (this.rules.pinForbiddenUnread || arg < 0xe0000000n);
      return refused ? this.rules.pinForbidden : pinOverride(cmd, arg);
    });
  }

  private eventChannels(): void {
    const bind = (port: Port): number => {
      let number = 1;
      while (this.usedPorts.has(number)) number++;
      this.usedPorts.set(number, port);
      return number;
    };
    this.on("event_channel_op", 1, (_cmd, arg = 0n) => {
      const at = Number(arg);
      this.store32(at + 8, bind({ virq: this.load32(at), unbound: false }));
      return 0n;
    });
    this.on("event_channel_op", 3, (_cmd, arg = 0n) =>
      this.usedPorts.delete(this.load32(Number(arg))) ? 0n : EINVAL,
    );
    this.on("event_channel_op", 4, (_cmd, arg = 0n) => {
      const port = this.load32(Number(arg));
      if (!this.usedPorts.has(port)) return EINVAL;
      this.raise(port);
      return 0n;
    });
    this.on("event_channel_op", 6, (_cmd, arg = 0n) => {
      this.store32(Number(arg) + 4, bind({ virq: null, unbound: true }));
      return 0n;
    });
    this.on("event_channel_op", 7, (_cmd, arg = 0n) => {
      this.store32(Number(arg) + 4, bind({ virq: null, unbound: false }));
      return 0n;
    });
  }

  // Arguments.

  private check(address: bigint, size: number): number {
    const at = Number(this.rules.wholeAddress ? address : BigInt.asUintN(32, address));
    const mapped = at >= SHARED_BASE ? SHARED_BASE + 16 * PAGE : this.memory.buffer.byteLength;
    if (at < PAGE || at + size > mapped) throw new Fault();
    if (!this.rules.anyAlignment && at % 4 !== 0) throw new Fault();
    return at;
  }

  private reading(op: number, size: number, run: (at: number) => bigint) {
    return (_cmd: bigint | undefined, arg = 0n): bigint => {
      try {
        return run(this.check(arg, size));
      } catch (error) {
        if (!(error instanceof Fault || error instanceof RangeError)) throw error;
        return this.rules.faults.includes(op) ? EFAULT : 0n;
      }
    };
  }

  private ignoring(op: number, arg: bigint, run: () => bigint): bigint {
    return this.rules.ignoresArgument.includes(op) || arg < 0xe0000000n ? run() : EFAULT;
  }

  // Time and sleep.

  private fire(now: bigint): void {
    if (this.timer !== null && this.timer <= now) {
      this.timer = null;
      for (const [port, { virq }] of this.usedPorts) if (virq === 0) this.raise(port);
    }
    if (this.pollTimer !== null && this.pollTimer <= now) {
      this.pollTimer = null;
      if (this.polling !== null) this.asleep = false;
    }
    for (const { due } of this.watchdogs)
      if (due !== null && due <= now) throw new GuestEnded(this.latched ?? 4);
  }

  protected sleep(): void {
    this.asleep = true;
    do {
      const due = [this.timer, this.pollTimer, ...this.watchdogs.map(({ due }) => due)].filter(
        (time) => time !== null,
      );
      if (due.length === 0) throw new GuestHung();
      const next = due.reduce((a, b) => (a < b ? a : b));
      if (next > this.tsc) this.tsc = next;
      this.fire(this.tsc);
    } while (this.isAsleep());
    this.polling = null;
  }

  /** What wakes it does so from elsewhere, which a compiler does not see. */
  private isAsleep(): boolean {
    return this.asleep;
  }

  override raise(port: number): void {
    const pending = this.bit(this.sharedInfo + EVTCHN_PENDING, port);
    if (pending && this.rules.pendingIsSilent) return;
    const { rules, polling } = this;
    const wanted = polling?.includes(port)
      ? rules.pollWakesOnPort
      : polling?.length === 1
        ? rules.pollOneWakesOnAny
        : polling !== null && rules.pollManyWakesOnAny;
    if (wanted) this.asleep = false;
    super.raise(port);
  }

  protected override upcall(port: number): void {
    const selector = this.sharedInfo + PENDING_SEL;
    this.store64(selector, this.load64(selector) | (1n << BigInt(Math.floor(port / 64))));
    this.setByte(UPCALL_PENDING, 1);
    if (this.polling === null || this.rules.pollWakesOnUpcall) this.asleep = false;
    this.deliver();
  }

  /** What boot/traps.S does when interrupts are on. */
  protected deliver(): void {
    if (!this.interrupts || this.byte(UPCALL_PENDING) === 0 || this.vcpuInfo === 0) return;
    this.setByte(UPCALL_PENDING, 0);
    this.upcallSeen = 1;
  }

  private byte(offset: number): number {
    return (this.load32(this.sharedInfo) >> (offset * 8)) & 0xff;
  }

  private setByte(offset: number, value: number): void {
    const shift = offset * 8;
    const rest = this.load32(this.sharedInfo) & ~(0xff << shift);
    this.store32(this.sharedInfo, (rest | (value << shift)) >>> 0);
  }

  protected override hypercall(op: number, args: bigint[]): bigint {
    this.tsc += HYPERCALL_TIME;
    this.fire(this.tsc);
    if (op === HYPERVISOR.xen_version) return (4n << 16n) | 17n;
    if (op === HYPERVISOR.sched_op_compat) return this.rules.compat;
    if (op !== HYPERVISOR.sched_op) return super.hypercall(op, args);
    const [cmd = 0n, ...rest] = args;
    const command = BigInt.asUintN(this.rules.commandBits, cmd);
    const result =
      command > 7n ? this.rules.unknownCommand : super.hypercall(op, [command, ...rest]);
    this.deliver();
    return result;
  }

  // The operations.

  private block(): bigint {
    if (this.rules.blockClearsMask) this.setByte(UPCALL_MASK, 0);
    const deliverable = this.interrupts && this.byte(UPCALL_PENDING) !== 0;
    if (this.rules.blockSleeps && !(deliverable && this.rules.blockSeesUpcall)) this.sleep();
    return this.rules.block;
  }

  private shutdown(reason: number): never {
    throw new GuestEnded(this.latched ?? reason & 0xff);
  }

  private poll(at: number): bigint {
    const { rules } = this;
    const ports = this.load64(at);
    const count = this.load32(at + 8);
    const deadline = this.load64(at + 16);
    if (count > rules.pollMaxPorts) return EINVAL;
    const upcall = this.byte(UPCALL_PENDING) !== 0;
    if (upcall && rules.pollUpcallFirst && (this.interrupts || !rules.pollHeedsInterruptFlag))
      return 0n;
    if (count === 0 && !rules.pollReadsNoPorts && ports >= 0xe0000000n) return EFAULT;
    let ready = false;
    const watched: number[] = [];
    for (let i = 0; i < Math.min(count, rules.pollLooksAt); i++) {
      let port: number;
      try {
        port = this.load32(this.check(ports + BigInt(i * 4), 4));
      } catch {
        return rules.pollPortsFault;
      }
      watched.push(port);
      const answer = this.portAnswer(port);
      if (answer !== 0n) return answer;
      if (!this.isReady(port)) continue;
      ready = true;
      if (!rules.pollKeepsPending) this.clear(port);
      if (!rules.pollChecksAllPorts) return 0n;
    }
    if (ready) return 0n;
    this.polling = watched;
    if (deadline !== 0n && (rules.pollPastDeadline || deadline > this.tsc)) {
      const due = deadline + rules.pollDelay;
      if (rules.pollTimerReplaced || this.pollTimer === null) this.pollTimer = due;
    }
    this.sleep();
    if (!rules.pollTimerStays) this.pollTimer = null;
    return 0n;
  }

  private portAnswer(port: number): bigint {
    if (port >= 4096) return this.rules.pollNoPort;
    const used = this.usedPorts.get(port);
    if (used === undefined) return this.rules.pollUnusablePort;
    return used.unbound ? this.rules.pollUnboundPort : 0n;
  }

  private isReady(port: number): boolean {
    const masked = this.bit(this.sharedInfo + EVTCHN_MASK, port);
    return (
      this.rules.pollSeesPending &&
      this.bit(this.sharedInfo + EVTCHN_PENDING, port) &&
      (masked ? this.rules.pollSeesMasked : this.rules.pollSeesUnmasked)
    );
  }

  private clear(port: number): void {
    const word = this.sharedInfo + EVTCHN_PENDING + Math.floor(port / 64) * 8;
    this.store64(word, this.load64(word) & ~(1n << BigInt(port % 64)));
  }

  private remoteShutdown(domid: number): bigint {
    if (this.way === "domu" && domid <= OWN_DOMID) return this.rules.remoteForbidden;
    if (domid === 0 || (domid === DOMID_SELF && !this.rules.remoteSelfIsUnknown))
      return this.shutdown(3);
    return this.rules.remoteUnknown;
  }

  private watchdog(id: number, seconds: number): bigint {
    const { rules } = this;
    const due = this.tsc + BigInt(seconds) * SECOND;
    if (id === 0) {
      const free = rules.watchdogReusesLowest
        ? this.watchdogs.findIndex(({ used }) => !used)
        : this.watchdogs.findLastIndex(({ used }) => !used);
      const timer = this.watchdogs[free];
      if (timer === undefined) return rules.watchdogFull;
      Object.assign(timer, { used: true, due });
      return BigInt(free) + rules.watchdogFirst;
    }
    const timer = this.watchdogs[id - 1];
    if (timer?.used !== true) return rules.watchdogUnknown;
    if (seconds !== 0) {
      if (rules.watchdogPokeRestarts) timer.due = due;
      return rules.watchdogPoked;
    }
    if (rules.watchdogDestroyStops) timer.due = null;
    if (rules.watchdogDestroyFrees) timer.used = false;
    return 0n;
  }

  private pinOverride(pcpu: number): bigint {
    const { rules } = this;
    if (pcpu < 0) {
      if (this.pin === null) return rules.unpinUnpinned;
      if (pcpu === -1 || rules.unpinByAnyNegative) this.pin = null;
      return rules.unpin;
    }
    if (pcpu > 0) return rules.pinOffline;
    if (this.pin !== null) return rules.pinned;
    this.pin = pcpu;
    return rules.pin;
  }

  override imports(): WebAssembly.Imports {
    const imports = super.imports();
    const xen = imports["xen"] ?? {};
    xen["interrupts_on"] = (): void => {
      this.interrupts = true;
      this.deliver();
    };
    xen["interrupts_off"] = (): void => {
      this.interrupts = false;
    };
    const sleepUnlessUpcall = xen["sleep_unless_upcall"] as (...args: number[]) => bigint;
    xen["sleep_unless_upcall"] = (cmd: number, arg: number): bigint =>
      this.rules.lookBeforeBlock
        ? sleepUnlessUpcall(cmd, arg)
        : this.hypercall(HYPERVISOR.sched_op, [BigInt(cmd), BigInt(arg >>> 0)]);
    return imports;
  }
}
