/** Takes the core of a guest out of a stopped machine: finds its domain, its memory and its registers. */
import { PendingFiles } from "../base/pending-files.js";
import { PT_LOAD } from "../elf/constants.js";
import { readElf, readSymbols, type Elf } from "../elf/index.js";
import { writeCore, type CoreVcpu, type Registers } from "./core-file.js";
import { DomainMemory, type VcpuState } from "./domains.js";
import { MachineMemory } from "./machine-memory.js";
import { translate, type Mapping } from "./page-tables.js";
import { savedRegisters } from "./saved-registers.js";

const PAGE = 4096;

// struct crash_state of boot/boot.h, the struct trap_frame that it points to, and struct vcpu, where %gs points.
const CRASH_STATE = "crash_state";
const CRASH_STATE_BYTES = 40;
const VCPU_ID = 12n;
const TRAP_FRAME = [
  ...["r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx"],
  ...["rsi", "rdi", "vector", "error_code", "rip", "cs", "rflags", "rsp", "ss"],
] as const;

/** Linux's signals for what the processor's exceptions are to a process. */
const SIGNALS = new Map([
  [0n, 8], // #DE: SIGFPE
  [6n, 4], // #UD: SIGILL
  [14n, 11], // #PF: SIGSEGV
]);
const SIGSEGV = 11;
const SIGABRT = 6;

/**
 * Writes `file`: an ELF core of the guest that was booted from `image`, in QEMU's process `pid`, which is stopped and was
 * started with ramArgs(). Rejects with an Error whose message says why there is no core.
 */
export async function takeCore(file: string, image: string, pid: number): Promise<void> {
  const elf = await readElf(image);
  const machine = await MachineMemory.open(pid);
  const pending = new PendingFiles();
  try {
    const found = await findGuest(await DomainMemory.all(machine), elf);
    if (found === null) throw new Error("no domain in the machine's memory has the image's code");
    const { domain, vcpu } = found;
    const virtual = await domain.virtual(vcpu);
    const crashed = await crashedVcpu(domain, virtual, elf);
    const others = await runningVcpus(machine, domain, virtual, crashed?.id ?? null);
    const vcpus = crashed === null ? others : [crashed, ...others];
    await pending.addBy(file, (aside) => writeCore(aside, domain, virtual, vcpus));
    await pending.commit();
  } finally {
    await pending.discard();
    await machine.close();
  }
}

/**
 * The domain whose memory has most of the image's code at the image's place, and a vCPU of it. By most, since another
 * program of ours begins with the same pages, and other kernels patch their code.
 */
async function findGuest(
  domains: readonly DomainMemory[],
  elf: Elf,
): Promise<{ domain: DomainMemory; vcpu: VcpuState } | null> {
  let best: { domain: DomainMemory; vcpu: VcpuState; equal: number } | null = null;
  for (const domain of domains) {
    const vcpu = domain.vcpus.find(({ longMode }) => longMode);
    if (vcpu === undefined) continue;
    const { equal, pages } = await compareCode(domain, elf);
    if (equal * 2 > pages && equal > (best?.equal ?? 0)) best = { domain, vcpu, equal };
  }
  return best;
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

async function readVirtual(
  domain: DomainMemory,
  virtual: readonly Mapping[],
  address: bigint,
  bytes: number,
): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes;) {
    const from = address + BigInt(at);
    const size = Math.min(bytes - at, PAGE - Number(from % BigInt(PAGE)));
    const physical = translate(virtual, from);
    const part = physical === null ? null : await domain.readPhysical(physical, size);
    if (part === null) return null;
    parts.push(part);
    at += size;
  }
  return Buffer.concat(parts);
}

/** The vCPU that trapped or gave up, as it was then; null if none did, or the image has no symbols. */
async function crashedVcpu(
  domain: DomainMemory,
  virtual: readonly Mapping[],
  elf: Elf,
): Promise<CoreVcpu | null> {
  const symbol = readSymbols(elf).find(({ name }) => name === CRASH_STATE);
  if (symbol === undefined) return null;
  const crashed = await readVirtual(domain, virtual, symbol.address, CRASH_STATE_BYTES);
  if (crashed === null) return null;
  const [rip = 0n, rbp = 0n, frame = 0n, rsp = 0n, vcpu = 0n] = [0, 8, 16, 24, 32].map((at) =>
    crashed.readBigUInt64LE(at),
  );
  if (rip === 0n) return null;
  const id = Number(vcpu);
  const saved =
    frame === 0n ? null : await readVirtual(domain, virtual, frame, TRAP_FRAME.length * 8);
  // It called abort(): what the caller had in its other registers is gone.
  if (saved === null) return { id, signal: SIGABRT, registers: { rip, rbp, rsp } };
  const values = TRAP_FRAME.map((name, at) => [name, saved.readBigUInt64LE(at * 8)] as const);
  const {
    vector = 0n,
    error_code: _,
    ...registers
  } = Object.fromEntries(values) as Registers & {
    vector?: bigint;
    error_code?: bigint;
  };
  return { id, signal: SIGNALS.get(vector) ?? SIGSEGV, registers: { ...registers, rip } };
}

/** All vCPUs but that one, as of the last time that each came to Xen: by then it has its timer's or a key's interrupt. */
async function runningVcpus(
  machine: MachineMemory,
  domain: DomainMemory,
  virtual: readonly Mapping[],
  except: number | null,
): Promise<CoreVcpu[]> {
  const vcpus: { id: number; state: VcpuState }[] = [];
  for (const state of domain.vcpus) {
    const id = await idOf(domain, virtual, state);
    if (id !== except) vcpus.push({ id, state });
  }
  const saved = await savedRegisters(
    machine,
    vcpus.map(({ state }) => state),
  );
  return vcpus
    .map(({ id, state: { rip, rsp, rax, rflags, gsBase } }, index) => ({
      id,
      signal: 0,
      registers: { ...saved[index], rip, rsp, rax, rflags, gs_base: gsBase },
    }))
    .sort((a, b) => a.id - b.id);
}

/** 0 for a vCPU that has not set %gs yet. */
async function idOf(
  domain: DomainMemory,
  virtual: readonly Mapping[],
  { gsBase }: VcpuState,
): Promise<number> {
  const id = await readVirtual(domain, virtual, gsBase + VCPU_ID, 4);
  return id?.readUInt32LE(0) ?? 0;
}
