/**
 * Where a guest is that does not come on. Xen says so itself, asked by the debug key `d` (dump_registers,
 * xen/common/keyhandler.c): the registers of each vCPU that a physical CPU is running. To be asked is an interrupt, and
 * after one Xen schedules: what it had left in its run queue may run by then.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MachineProcess } from "./qemu.js";
import { nameFrames, usersFrame, type TrapFrame } from "../protocol/trap.js";

/** What is typed goes to domain 0 once it runs; three times Ctrl-A gives Xen the keyboard. */
const KEYS = Buffer.from("\x01\x01\x01d");

const ANSWER_WITHIN_MS = 2000;
const ANSWERED_WITHIN_MS = 5000;
/** The answer has no end of its own. */
const SILENCE_MS = 200;

interface Place {
  domain: number;
  vcpu: number;
  rip: bigint;
}

export interface RunningVcpu {
  vcpu: number;
  frame: TrapFrame;
}

/** Reads Xen's answer off its console. */
export class VcpuLocations {
  readonly places: Place[] = [];
  /** Xen took the key. A hypervisor that is stuck with interrupts off does not. */
  answered = false;
  #asked = false;
  #lastLine = 0;
  #vcpu: Omit<Place, "rip"> | null = null;

  /** A line of Xen's own. */
  read(text: string): void {
    if (!this.#asked) return;
    this.#lastLine = performance.now();
    if (text.includes("'d' pressed")) this.answered = true;
    const header = /\*\*\* Dumping CPU\d+ (?:host state|guest state \(d(\d+)v(\d+)\))/.exec(text);
    if (header !== null)
      this.#vcpu =
        header[1] === undefined ? null : { domain: Number(header[1]), vcpu: Number(header[2]) };
    const rip = /RIP: +[0-9a-f]{4}:\[<([0-9a-f]{16})>\]/.exec(text)?.[1];
    if (rip === undefined || this.#vcpu === null) return;
    this.places.push({ ...this.#vcpu, rip: BigInt(`0x${rip}`) });
    this.#vcpu = null;
  }

  /** Resolves when the answer is there, or will not come. Rejects with what `signal` is aborted with. */
  async ask(machine: MachineProcess, signal?: AbortSignal): Promise<void> {
    this.#asked = true;
    const gone = machine.ended.then(() => true);
    const asked = performance.now();
    machine.type(KEYS);
    for (;;) {
      if (await Promise.race([gone, sleep(20, false)])) return;
      signal?.throwIfAborted();
      const now = performance.now();
      if (now - asked > (this.answered ? ANSWERED_WITHIN_MS : ANSWER_WITHIN_MS)) return;
      if (this.answered && now - this.#lastLine > SILENCE_MS) return;
    }
  }

  /** The guest's vCPUs that ran, by name. `isDom0`: the guest is domain 0, else whichever is not. */
  async name(image: string, isDom0: boolean): Promise<RunningVcpu[]> {
    const places = this.places.filter(({ domain }) => (domain === 0) === isDom0);
    const named = await Promise.all(
      places.map(async ({ vcpu, rip }) => {
        // Of what is inlined there the first that its author knows.
        const frames = await nameFrames(image, rip, []);
        const frame =
          usersFrame(frames) ?? frames.find(({ text }) => /\.ts:\d+/.test(text)) ?? frames[0];
        return frame === undefined ? [] : [{ vcpu, frame }];
      }),
    );
    return named.flat().sort((a, b) => a.vcpu - b.vcpu);
  }

  /** As a part of a sentence; empty if Xen was not asked. */
  describe(running: RunningVcpu[]): string {
    if (!this.#asked) return "";
    if (!this.answered) return "; Xen did not respond to its debug key either";
    if (running.length === 0) return "; none of its vCPUs was running";
    return `; ${running.map(({ vcpu, frame }) => `vCPU ${vcpu} was at ${frame.text}`).join(", ")}`;
  }
}
