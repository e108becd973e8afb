/**
 * An ELF core of a guest, for gdb: `gdb image.elf FILE`. The guest's physical memory is in the file once; segments show it at
 * the virtual addresses of the guest's page tables and, all of it, from DIRECT_MAP on. The registers are in NT_PRSTATUS notes,
 * in Linux's layout for x86-64 (struct elf_prstatus, include/linux/elfcore.h), which gdb reads.
 */
import { open } from "node:fs/promises";

import type { DomainMemory } from "./domains.js";
import type { Mapping } from "./page-tables.js";

/** Where a core has physical address 0, beside the guest's own mappings: as in Linux, outside of all that a guest maps. */
export const DIRECT_MAP = 0xffff_8000_0000_0000n;

const PAGE = 4096;
const PIECE = 2 ** 21;

/** In the order of struct user_regs_struct (arch/x86/include/asm/user_64.h). */
const REGISTERS = [
  ...["r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx"],
  ...["rsi", "rdi", "orig_rax", "rip", "cs", "rflags", "rsp", "ss", "fs_base", "gs_base"],
  ...["ds", "es", "fs", "gs"],
] as const;
export type Registers = Partial<Record<(typeof REGISTERS)[number], bigint>>;

export interface CoreVcpu {
  id: number;
  /** 0 where a register is not known. */
  registers: Registers;
  /** The signal, by Linux's number, that would have ended a process; 0: none. */
  signal: number;
}

const PRSTATUS_BYTES = 336;
const PRSTATUS_SIGNAL = 12;
const PRSTATUS_PID = 32;
const PRSTATUS_REGISTERS = 112;
const NT_PRSTATUS = 1;

function prstatusNote({ id, registers, signal }: CoreVcpu): Buffer {
  const name = Buffer.from("CORE\0\0\0\0");
  const note = Buffer.alloc(12 + name.length + PRSTATUS_BYTES);
  note.writeUInt32LE(5, 0); // "CORE" and its NUL
  note.writeUInt32LE(PRSTATUS_BYTES, 4);
  note.writeUInt32LE(NT_PRSTATUS, 8);
  name.copy(note, 12);
  const at = 12 + name.length;
  note.writeUInt32LE(signal, at);
  note.writeUInt16LE(signal, at + PRSTATUS_SIGNAL);
  note.writeUInt32LE(id + 1, at + PRSTATUS_PID); // gdb takes 0 for no thread
  REGISTERS.forEach((register, index) => {
    const value = registers[register] ?? 0n;
    note.writeBigUInt64LE(BigInt.asUintN(64, value), at + PRSTATUS_REGISTERS + index * 8);
  });
  return note;
}

interface Segment {
  type: number;
  flags: number;
  offset: number;
  virtual: bigint;
  physical: number;
  bytes: number;
}
const PT_LOAD = 1;
const PT_NOTE = 4;
const [EXECUTE, WRITE, READ] = [1, 2, 4];
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
/** e_phnum has 16 bits, of which 0xffff is special, and there is the note. Mappings beyond are in the direct map only. */
const MOST_SEGMENTS = 0xfffd;

function headers(segments: Segment[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + segments.length * SEGMENT_BYTES);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64-bit, little-endian, version 1
  bytes.writeUInt16LE(4, 16); // ET_CORE
  bytes.writeUInt16LE(62, 18); // EM_X86_64
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  bytes.writeUInt16LE(HEADER_BYTES, 52);
  bytes.writeUInt16LE(SEGMENT_BYTES, 54);
  bytes.writeUInt16LE(segments.length, 56);
  segments.forEach((segment, index) => {
    const at = HEADER_BYTES + index * SEGMENT_BYTES;
    bytes.writeUInt32LE(segment.type, at);
    bytes.writeUInt32LE(segment.flags, at + 4);
    bytes.writeBigUInt64LE(BigInt(segment.offset), at + 8);
    bytes.writeBigUInt64LE(segment.virtual, at + 16);
    bytes.writeBigUInt64LE(BigInt(segment.physical), at + 24);
    bytes.writeBigUInt64LE(BigInt(segment.bytes), at + 32);
    bytes.writeBigUInt64LE(BigInt(segment.bytes), at + 40);
    bytes.writeBigUInt64LE(BigInt(segment.type === PT_LOAD ? PAGE : 4), at + 48);
  });
  return bytes;
}

interface Run {
  physical: number;
  machine: number;
  bytes: number;
  /** From the beginning of all that is written of the memory. */
  offset: number;
}

/** The parts of a virtual mapping that are RAM, where they are in the file. */
function loads(
  { from, to, bytes, writable, executable }: Mapping,
  runs: readonly Run[],
): Segment[] {
  const flags = READ | (writable ? WRITE : 0) | (executable ? EXECUTE : 0);
  return runs.flatMap((run) => {
    const begin = Math.max(to, run.physical);
    const end = Math.min(to + bytes, run.physical + run.bytes);
    if (begin >= end) return [];
    return [
      {
        type: PT_LOAD,
        flags,
        offset: run.offset + begin - run.physical,
        virtual: from + BigInt(begin - to),
        physical: begin,
        bytes: end - begin,
      },
    ];
  });
}

/** Writes a new file; the first vCPU is the one that a debugger looks at. Rejects with what the file system says. */
export async function writeCore(
  file: string,
  domain: DomainMemory,
  virtual: readonly Mapping[],
  vcpus: readonly CoreVcpu[],
): Promise<void> {
  const runs: Run[] = [];
  for (const { from, to, bytes } of domain.ram) {
    const last = runs.at(-1);
    const offset = last === undefined ? 0 : last.offset + last.bytes;
    runs.push({ physical: Number(from), machine: to, bytes, offset });
  }
  const notes = Buffer.concat(vcpus.map(prstatusNote));
  const mapped = virtual.flatMap((mapping) => loads(mapping, runs));
  const direct = runs.flatMap(({ physical, bytes }) =>
    loads(
      {
        from: DIRECT_MAP + BigInt(physical),
        to: physical,
        bytes,
        writable: true,
        executable: false,
      },
      runs,
    ),
  );
  const segments = [...mapped.slice(0, MOST_SEGMENTS - direct.length), ...direct];
  const noteOffset = HEADER_BYTES + (segments.length + 1) * SEGMENT_BYTES;
  const begin = Math.ceil((noteOffset + notes.length) / PAGE) * PAGE;
  const note = { type: PT_NOTE, flags: READ, offset: noteOffset, virtual: 0n, physical: 0 };
  const all = [
    { ...note, bytes: notes.length },
    ...segments.map((segment) => ({ ...segment, offset: segment.offset + begin })),
  ];
  const output = await open(file, "wx");
  try {
    await output.write(Buffer.concat([headers(all), notes]), 0, undefined, 0);
    const zero = Buffer.alloc(PIECE);
    for (const run of runs)
      for (let at = 0; at < run.bytes; at += PIECE) {
        const bytes = await domain.readMachine(run.machine + at, Math.min(PIECE, run.bytes - at));
        // What is zero is a hole in the file.
        if (bytes.equals(bytes.length === PIECE ? zero : zero.subarray(0, bytes.length))) continue;
        await output.write(bytes, 0, bytes.length, begin + run.offset + at);
      }
    const last = runs.at(-1);
    await output.truncate(begin + (last === undefined ? 0 : last.offset + last.bytes));
  } finally {
    await output.close();
  }
}
