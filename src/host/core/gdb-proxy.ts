/**
 * Between gdb and QEMU's stub, which knows one machine and no guests. QEMU translates an address by the page tables that %cr3
 * points to, but not by the nested ones, and so reads other memory than the guest's. Here the guest's memory is read and written
 * where its own tables have it, whichever domain runs at the moment; everything else is QEMU's. And a breakpoint at an address of
 * the guest's stops the toolstack as well, which is linked to the same addresses: there it goes on.
 */
import type { Duplex } from "node:stream";
import { readElf, type Elf } from "../elf/index.js";
import { GdbPackets, unescape } from "./gdb-packets.js";
import { GuestMemory, rootOf } from "./guest-memory.js";
import { MachineMemory } from "./machine-memory.js";

/** In the answer to `g`, by QEMU's gdb-xml/i386-64bit.xml: bytes from the beginning. */
const RIP = 16 * 8;
const CR3 = RIP + 8 + 4 + 6 * 4 + 3 * 8 + 2 * 8;

const MEMORY = /^([mMX])([0-9a-f]+),([0-9a-f]+)(?::(.*))?$/s;
const RESUME = /^(?:vCont;|[cCsS])/;
const STOPPED = /^T05.*?thread:([^;]+);/;

export class GdbProxy {
  readonly #gdb: GdbPackets;
  readonly #qemu: GdbPackets;
  readonly #root: bigint | null;
  readonly #breakpoints = new Set<bigint>();
  /** Opened when the stub has answered: before, QEMU has no memory yet. */
  #machine: MachineMemory | null = null;
  #guest: GuestMemory | null = null;
  /** Whether the machine ran since the guest was looked for, so that its page tables may have changed. */
  #stale = true;
  /** What let the machine run last. */
  #resumed = "";
  /** What takes QEMU's next packet, in place of gdb. */
  #asked: ((answer: string) => void) | null = null;
  /** gdb's packets, one after the other. */
  #work: Promise<void> = Promise.resolve();

  private constructor(
    private readonly elf: Elf,
    private readonly pid: number,
    gdb: Duplex,
    qemu: Duplex,
  ) {
    this.#root = rootOf(elf);
    this.#gdb = new GdbPackets(
      gdb,
      (packet) => {
        this.#work = this.#work.then(() => this.#fromGdb(packet));
      },
      () => {
        this.#qemu.interrupt();
      },
    );
    this.#qemu = new GdbPackets(qemu, (packet) => {
      const asked = this.#asked;
      this.#asked = null;
      if (asked !== null) asked(packet);
      else void this.#fromQemu(packet);
    });
  }

  /** Of the guest that is booted from `image` in QEMU's process `pid`, which was started with ramArgs(). */
  static async start(image: string, pid: number, gdb: Duplex, qemu: Duplex): Promise<GdbProxy> {
    return new GdbProxy(await readElf(image), pid, gdb, qemu);
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#machine?.close();
  }

  async #fromGdb(packet: string): Promise<void> {
    const [, how, address = "", size = "", data = ""] = MEMORY.exec(packet) ?? [];
    if (how !== undefined) {
      const answer = await this.#memory(how, BigInt(`0x${address}`), parseInt(size, 16), data)
        // The guest may have no memory yet, or may be on the way to other page tables.
        .catch(() => null);
      if (answer !== null) {
        this.#gdb.send(answer);
        return;
      }
    }
    const [, set, at = ""] = /^([zZ])[01],([0-9a-f]+),/.exec(packet) ?? [];
    if (set === "Z") this.#breakpoints.add(BigInt(`0x${at}`));
    if (set === "z") this.#breakpoints.delete(BigInt(`0x${at}`));
    if (RESUME.test(packet) && packet !== "vCont?") {
      this.#resumed = packet;
      this.#stale = true;
    }
    this.#qemu.send(packet);
  }

  /** The answer; null: it is no memory of the guest's. */
  async #memory(how: string, address: bigint, size: number, data: string): Promise<string | null> {
    const guest = await this.#find();
    if (guest === null) return null;
    if (how === "m") return (await guest.read(address, size))?.toString("hex") ?? null;
    const bytes = how === "X" ? unescape(data) : Buffer.from(data, "hex");
    return (await guest.write(address, bytes)) ? "OK" : null;
  }

  async #find(): Promise<GuestMemory | null> {
    if (!this.#stale) return this.#guest;
    this.#machine ??= await MachineMemory.open(this.pid, "r+");
    this.#stale = false;
    this.#guest = await (this.#guest === null
      ? GuestMemory.find(this.#machine, this.elf)
      : this.#guest.again(this.elf));
    return this.#guest;
  }

  async #fromQemu(packet: string): Promise<void> {
    const thread = STOPPED.exec(packet)?.[1];
    if (thread !== undefined && this.#breakpoints.size > 0 && (await this.#isElsewhere())) {
      // A step passes a breakpoint.
      await this.#ask(`vCont;s:${thread}`);
      this.#qemu.send(this.#resumed);
      return;
    }
    this.#gdb.send(packet);
  }

  /** Whether it is a breakpoint that other code than the guest's came to. */
  async #isElsewhere(): Promise<boolean> {
    if (this.#root === null) return false;
    const registers = Buffer.from(await this.#ask("g"), "hex");
    if (registers.length < CR3 + 8) return false;
    return (
      this.#breakpoints.has(registers.readBigUInt64LE(RIP)) &&
      registers.readBigUInt64LE(CR3) !== this.#root
    );
  }

  #ask(packet: string): Promise<string> {
    return new Promise((resolve) => {
      this.#asked = resolve;
      this.#qemu.send(packet);
    });
  }
}
