/**
 * The domains in a machine's memory, found by their VMCBs: Xen has one for each vCPU of a domain with nested paging. The
 * processor defines their layout (AMD64 Architecture Programmer's Manual, volume 2, appendix B), so that none of Xen's
 * internal structures, which change from version to version, has to be known. SVM only: QEMU's emulation has no VMX.
 */
import type { MachineMemory } from "./machine-memory.js";
import { mappings, translate, type Mapping } from "./page-tables.js";

const PAGE = 4096;

const INTERCEPTS_2 = 0x010;
const INTERCEPT_VMRUN = 1;
const GUEST_ASID = 0x058;
const NESTED_CONTROL = 0x090;
const NP_ENABLE = 1n;
const N_CR3 = 0x0b0;
const GS_BASE = 0x458;
const EFER = 0x4d0;
const EFER_SVME = 1n << 12n;
const EFER_LMA = 1n << 10n;
/** All that is defined of EFER in 2024: SCE, LME, LMA, NXE, SVME, LMSLE, FFXSR, TCE, and above. */
const EFER_KNOWN = 0x3ff_ffffn;
const CR3 = 0x550;
const RFLAGS = 0x570;
const RIP = 0x578;
const RSP = 0x5d8;
const RAX = 0x5f8;

/** What a VMCB holds of a vCPU, as of its last VM exit. The other registers are in Xen's memory: saved-registers.ts. */
export interface VcpuState {
  rip: bigint;
  rsp: bigint;
  rax: bigint;
  rflags: bigint;
  cr3: bigint;
  /** As of the last VMSAVE: when Xen last scheduled the vCPU out. */
  gsBase: bigint;
  longMode: boolean;
}

export class DomainMemory {
  private constructor(
    private readonly machine: MachineMemory,
    /** The guest's physical memory in the machine's. */
    readonly ram: readonly Mapping[],
    readonly vcpus: readonly VcpuState[],
    /** The root of its nested page tables. */
    private readonly tables: number,
  ) {}

  /** All domains with nested paging, a PVH dom0 included, with the vCPUs that have run. */
  static async all(machine: MachineMemory): Promise<DomainMemory[]> {
    const byTables = new Map<number, VcpuState[]>();
    for await (const { bytes } of machine.pieces())
      for (let at = 0; at < bytes.length; at += PAGE) {
        const tables = nestedTables(bytes, at, machine);
        if (tables === null) continue;
        const vcpus = byTables.get(tables) ?? [];
        byTables.set(tables, [...vcpus, stateOf(bytes, at)]);
      }
    const domains: DomainMemory[] = [];
    for (const [tables, vcpus] of byTables)
      domains.push(await DomainMemory.#at(machine, tables, vcpus));
    return domains;
  }

  static async #at(
    machine: MachineMemory,
    tables: number,
    vcpus: readonly VcpuState[],
  ): Promise<DomainMemory> {
    const all = await mappings(tables, (address) => readPage(machine, address));
    // Devices are mapped, too: only RAM is of interest.
    const ram = all.filter(({ to, bytes }) => machine.has(to) && machine.has(to + bytes - 1));
    return new DomainMemory(machine, ram, vcpus, tables);
  }

  /** The same domain, with its memory as it is now, and its vCPUs as they were. */
  async again(): Promise<DomainMemory> {
    return DomainMemory.#at(this.machine, this.tables, this.vcpus);
  }

  /** `bytes` of the guest's physical memory, within a page; null where it has no memory. */
  async readPhysical(address: number, bytes: number): Promise<Buffer | null> {
    const at = translate(this.ram, BigInt(address));
    return at === null ? null : this.machine.read(at, bytes);
  }

  /** Writes to where readPhysical() has found memory. */
  async writePhysical(address: number, bytes: Buffer): Promise<void> {
    const at = translate(this.ram, BigInt(address));
    if (at !== null) await this.machine.write(at, bytes);
  }

  /** Reads at a machine address. */
  async readMachine(address: number, bytes: number): Promise<Buffer> {
    return this.machine.read(address, bytes);
  }

  /** Page tables by their %cr3: virtual to the guest's physical addresses. */
  async virtual(cr3: bigint): Promise<Mapping[]> {
    const root = Number(cr3 & 0x000f_ffff_ffff_f000n);
    return mappings(root, (address) => this.readPhysical(address, PAGE));
  }
}

async function readPage(machine: MachineMemory, address: number): Promise<Buffer | null> {
  return machine.has(address) ? machine.read(address, PAGE) : null;
}

/** The root of the nested page tables if the page at `at` is a VMCB, else null. */
function nestedTables(bytes: Buffer, at: number, machine: MachineMemory): number | null {
  if ((bytes.readUInt32LE(at + INTERCEPTS_2) & INTERCEPT_VMRUN) === 0) return null;
  const asid = bytes.readUInt32LE(at + GUEST_ASID);
  if (asid === 0 || asid > 0xffff) return null;
  if ((bytes.readBigUInt64LE(at + NESTED_CONTROL) & NP_ENABLE) === 0n) return null;
  const efer = bytes.readBigUInt64LE(at + EFER);
  if ((efer & EFER_SVME) === 0n || efer > EFER_KNOWN) return null;
  const tables = bytes.readBigUInt64LE(at + N_CR3);
  if (tables === 0n || tables % BigInt(PAGE) !== 0n || tables > Number.MAX_SAFE_INTEGER)
    return null;
  return machine.has(Number(tables)) ? Number(tables) : null;
}

function stateOf(bytes: Buffer, at: number): VcpuState {
  const field = (offset: number): bigint => bytes.readBigUInt64LE(at + offset);
  return {
    rip: field(RIP),
    rsp: field(RSP),
    rax: field(RAX),
    rflags: field(RFLAGS),
    cr3: field(CR3),
    gsBase: field(GS_BASE),
    longMode: (field(EFER) & EFER_LMA) !== 0n,
  };
}
