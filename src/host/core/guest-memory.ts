/** A guest's memory as its own page tables have it, read and written in the machine's memory. */
import { PT_LOAD } from "../elf/constants.js";
import { readSymbols, type Elf } from "../elf/index.js";
import { DomainMemory, type VcpuState } from "./domains.js";
import type { MachineMemory } from "./machine-memory.js";
import { translate, type Mapping } from "./page-tables.js";

const PAGE = 4096;
/** The root of an image's page tables, by its symbol, and where the image is mapped: boot/layout.h. */
const ROOT = "pml4";
const KERNEL_BASE = 0xffff_ffff_8000_0000n;

export class GuestMemory {
  private constructor(
    readonly domain: DomainMemory,
    /** The domain's first vCPU in long mode. */
    readonly vcpu: VcpuState,
    /** The guest's virtual addresses, to its physical ones. */
    readonly virtual: readonly Mapping[],
  ) {}

  /**
   * The domain whose memory has most of the image's code at the image's place; null if none has half of it. By most, since
   * another program of xenlet's begins with the same pages, and other kernels patch their code.
   */
  static async find(machine: MachineMemory, elf: Elf): Promise<GuestMemory | null> {
    let best: { domain: DomainMemory; vcpu: VcpuState; equal: number } | null = null;
    for (const domain of await DomainMemory.all(machine)) {
      const vcpu = domain.vcpus.find(({ longMode }) => longMode);
      if (vcpu === undefined) continue;
      const { equal, pages } = await compareCode(domain, elf);
      if (equal * 2 > pages && equal > (best?.equal ?? 0)) best = { domain, vcpu, equal };
    }
    if (best === null) return null;
    const root = rootOf(elf) ?? best.vcpu.cr3;
    return new GuestMemory(best.domain, best.vcpu, await best.domain.virtual(root));
  }

  /** The same domain, with its page tables as they are now. */
  async again(elf: Elf): Promise<GuestMemory> {
    const domain = await this.domain.again();
    return new GuestMemory(domain, this.vcpu, await domain.virtual(rootOf(elf) ?? this.vcpu.cr3));
  }

  /** Null if any of it is not mapped. */
  async read(address: bigint, bytes: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (const { physical, size } of this.#pieces(address, bytes)) {
      const part = physical === null ? null : await this.domain.readPhysical(physical, size);
      if (part === null) return null;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** False, and nothing is written, if any of it is not mapped. The machine's memory has to be open for writing. */
  async write(address: bigint, bytes: Buffer): Promise<boolean> {
    const pieces = this.#pieces(address, bytes.length);
    if (pieces.some(({ physical }) => physical === null)) return false;
    let at = 0;
    for (const { physical, size } of pieces) {
      await this.domain.writePhysical(physical ?? 0, bytes.subarray(at, at + size));
      at += size;
    }
    return true;
  }

  /** Page by page. */
  #pieces(address: bigint, bytes: number): { physical: number | null; size: number }[] {
    const pieces: { physical: number | null; size: number }[] = [];
    for (let at = 0; at < bytes;) {
      const from = address + BigInt(at);
      const size = Math.min(bytes - at, PAGE - Number(from % BigInt(PAGE)));
      pieces.push({ physical: translate(this.virtual, from), size });
      at += size;
    }
    return pieces;
  }
}

/** What %cr3 is while a guest of ours runs; null for another project's image. */
export function rootOf(elf: Elf): bigint | null {
  const symbol = readSymbols(elf).find(({ name }) => name === ROOT);
  return symbol === undefined ? null : symbol.address - KERNEL_BASE;
}

async function compareCode(
  domain: DomainMemory,
  elf: Elf,
): Promise<{ equal: number; pages: number }> {
  let [equal, pages] = [0, 0];
  for (const { type, executable, offset, fileSize, paddr } of elf.segments) {
    if (type !== PT_LOAD || !executable) continue;
    for (let at = 0; at < fileSize;) {
      const from = Number(paddr) + at;
      const bytes = Math.min(fileSize - at, PAGE - (from % PAGE));
      const wanted = elf.bytes.data.subarray(offset + at, offset + at + bytes);
      const there = await domain.readPhysical(from, bytes);
      pages++;
      if (there?.equals(wanted) === true) equal++;
      at += bytes;
    }
  }
  return { equal, pages };
}
