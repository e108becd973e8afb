/** Takes the core of a guest out of a stopped machine: finds its domain, its memory and its registers. */
import { PendingFiles } from "../base/pending-files.js";
import { readElf, readSymbols, type Elf } from "../elf/index.js";
import { writeCore, type CoreVcpu, type Registers } from "./core-file.js";
import type { VcpuState } from "./domains.js";
import { GuestMemory } from "./guest-memory.js";
import { MachineMemory } from "./machine-memory.js";
import { savedRegisters } from "./saved-registers.js";

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
    const guest = await GuestMemory.find(machine, elf);
    if (guest === null) throw new Error("no domain in the machine's memory has the image's code");
    const crashed = await crashedVcpu(guest, elf);
    const others = await runningVcpus(machine, guest, crashed?.id ?? null);
    const vcpus = crashed === null ? others : [crashed, ...others];
    await pending.addBy(file, (aside) => writeCore(aside, guest.domain, guest.virtual, vcpus));
    await pending.commit();
  } finally {
    await pending.discard();
    await machine.close();
  }
}

/** The vCPU that trapped or gave up, as it was then; null if none did, or the image has no symbols. */
async function crashedVcpu(guest: GuestMemory, elf: Elf): Promise<CoreVcpu | null> {
  const symbol = readSymbols(elf).find(({ name }) => name === CRASH_STATE);
  if (symbol === undefined) return null;
  const crashed = await guest.read(symbol.address, CRASH_STATE_BYTES);
  if (crashed === null) return null;
  const [rip = 0n, rbp = 0n, frame = 0n, rsp = 0n, vcpu = 0n] = [0, 8, 16, 24, 32].map((at) =>
    crashed.readBigUInt64LE(at),
  );
  if (rip === 0n) return null;
  const id = Number(vcpu);
  const saved = frame === 0n ? null : await guest.read(frame, TRAP_FRAME.length * 8);
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
  guest: GuestMemory,
  except: number | null,
): Promise<CoreVcpu[]> {
  const vcpus: { id: number; state: VcpuState }[] = [];
  for (const state of guest.domain.vcpus) {
    const id = await idOf(guest, state);
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
async function idOf(guest: GuestMemory, { gsBase }: VcpuState): Promise<number> {
  const id = await guest.read(gsBase + VCPU_ID, 4);
  return id?.readUInt32LE(0) ?? 0;
}
