// Secondary vCPUs in the test process: they carry out programs by boot/vcpu-program.h's layout, one after the other, as soon
// as vCPU 0 asks whether they have begun. How two run at once only a boot shows.

import { FakeXen } from "./fake-xen.js";

const [CALL, SLEEP, TAKE, RECEIVE, PAUSE, AWAIT, MEET, WRITE_MSR, COPY, STORE] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
];
const CALLS = 40;
const ROUNDS_DONE = 48;
const STEPS = 64;
const STEP_SIZE = 296;
const DONE = 80;
const UNCOUNTED = 96;
const ANSWERS = 104;
const ETIME = 62n;

export class FakeVcpus extends FakeXen {
  /** What the vCPUs did, in order. */
  readonly did: string[] = [];
  /** How many steps a program may make before the vCPU is taken to be busy still. */
  patience = Infinity;
  private readonly programs = new Map<number, number>();
  private readonly results = new Map<number, bigint>();
  private readonly begun = new Set<number>();
  private readonly busy = new Set<number>();

  constructor() {
    super();
    this.on("event_channel_op", 4, () => 0n);
  }

  private run(id: number, at: number): void {
    const count = this.load32(at);
    const rounds = this.load64(at + 8);
    const bump = (address: number): void => {
      this.store64(address, this.load64(address) + 1n);
    };
    let steps = 0;
    for (let round = 0n; round < rounds && this.load32(at + 4) === 0; round++) {
      for (let i = 0; i < count; i++) {
        const step = at + STEPS + i * STEP_SIZE;
        const repeat = this.load64(step + 48);
        for (let n = 0n; n < repeat && this.load32(at + 4) === 0; n++) {
          if (++steps > this.patience) {
            this.busy.add(id);
            return;
          }
          const head = this.load32(step);
          const result = this.carryOut(id, head & 0xffff, step, at);
          this.count(step, result);
          bump(step + DONE);
          this.results.set(id, result);
          if (head >>> 16 !== 0 && result < 0n) return;
        }
      }
      bump(at + ROUNDS_DONE);
    }
  }

  private carryOut(id: number, kind: number, step: number, program: number): bigint {
    const number = this.load32(step + 4);
    const args = [0, 1, 2, 3, 4].map((i) => this.load64(step + 8 + i * 8));
    const [first = 0n, second = 0n, third = 0n, fourth = 0n] = args;
    const after = [this.load64(step + 56), this.load64(step + 64)].join("+");
    const say = (what: string): void => {
      this.did.push(`${String(id)}: ${what}${after === "0+0" ? "" : ` after ${after}`}`);
    };
    switch (kind) {
      case CALL: {
        this.store64(program + CALLS, this.load64(program + CALLS) + 1n);
        say(this.nameOf(number, args));
        const result = this.hypercall(number, args);
        const status = Number(this.load64(step + 72));
        if (result !== 0n || status === 0) return result;
        return BigInt.asIntN(16, this.load64(status));
      }
      case SLEEP:
        say(`sleep ${String(number)}`);
        return 0n;
      case TAKE:
      case RECEIVE:
        say(kind === TAKE ? "take" : "receive");
        return 1n;
      case PAUSE:
        say("pause");
        return 0n;
      case AWAIT: {
        const word = BigInt(this.load32(Number(first)));
        say(`await ${fourth === 2n ** 64n - 1n ? "for ever" : String(fourth)}`);
        return (word & second) === third ? 0n : -ETIME;
      }
      case MEET:
        say(`meet ${String(this.load32(Number(first)))}`);
        return 0n;
      case WRITE_MSR:
        say(`wrmsr ${number.toString(16)} ${first.toString(16)}`);
        return 0n;
      case COPY:
        say("copy");
        this.store32(Number(second), this.load32(Number(first)));
        return 0n;
      case STORE:
        say("store");
        this.store64(Number(first), second);
        return 0n;
      default:
        throw new Error(`step of kind ${String(kind)}`);
    }
  }

  private count(step: number, result: bigint): void {
    for (let at = step + ANSWERS; at < step + STEP_SIZE; at += 16) {
      const value = BigInt.asIntN(64, this.load64(at));
      const count = this.load64(at + 8);
      if (count !== 0n && value !== result) continue;
      this.store64(at, BigInt.asUintN(64, result));
      this.store64(at + 8, count + 1n);
      return;
    }
    this.store64(step + UNCOUNTED, this.load64(step + UNCOUNTED) + 1n);
  }

  override imports(): WebAssembly.Imports {
    const imports = super.imports();
    Object.assign(imports["xen"] ?? {}, {
      vcpu_start: () => 0n,
      vcpu_give: (id: number, program: number) => {
        if (this.busy.has(id)) return 0;
        this.programs.set(id, program >>> 0);
        this.begun.delete(id);
        return 1;
      },
      vcpu_taken: (id: number) => {
        if (!this.begun.has(id)) {
          this.begun.add(id);
          this.run(id, this.programs.get(id) ?? 0);
        }
        return 1;
      },
      vcpu_done: (id: number) => Number(!this.busy.has(id)),
      vcpu_result: (id: number) => this.results.get(id) ?? 0n,
    });
    return imports;
  }
}
