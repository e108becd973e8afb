/**
 * The registers that a VMCB does not hold. On a VM exit Xen stores all of them as a struct cpu_user_regs, and copies rip, rsp,
 * rax and rflags from the VMCB into it (svm_vmexit_handler, xen/arch/x86/hvm/svm/svm.c): the struct with the same four values
 * is the vCPU's. Its layout is public ABI: xen/include/public/arch-x86/xen-x86_64.h.
 */
import type { Registers } from "./core-file.js";
import type { VcpuState } from "./domains.js";
import type { MachineMemory } from "./machine-memory.js";

/** In its order, 8 bytes each. `entry`: error_code and entry_vector. */
const CPU_USER_REGS = [
  ...["r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx"],
  ...["rsi", "rdi", "entry", "rip", "cs", "rflags", "rsp"],
] as const;
type Field = (typeof CPU_USER_REGS)[number];

const offsetOf = (field: Field): number => CPU_USER_REGS.indexOf(field) * 8;
const COMPARED = ["rip", "rax", "rflags", "rsp"] as const;
const BYTES = CPU_USER_REGS.length * 8;

/** The registers of each of those vCPUs, in their order; null where the machine's memory has none that fit. */
export async function savedRegisters(
  machine: MachineMemory,
  vcpus: readonly VcpuState[],
): Promise<(Registers | null)[]> {
  const found: (Registers | null)[] = vcpus.map(() => null);
  const wanted = vcpus.map((state) =>
    COMPARED.map((field) => ({ at: offsetOf(field), value: bytesOf(state[field]) })),
  );
  for await (const { bytes } of machine.pieces())
    wanted.forEach((fields, index) => {
      found[index] ??= findIn(bytes, fields);
    });
  return found;
}

function bytesOf(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function findIn(bytes: Buffer, fields: { at: number; value: Buffer }[]): Registers | null {
  const [rip] = fields;
  if (rip === undefined) return null;
  for (let hit = bytes.indexOf(rip.value); hit >= 0; hit = bytes.indexOf(rip.value, hit + 1)) {
    const start = hit - rip.at;
    // The struct is aligned, and a piece ends at a page's end, which it does not cross: it is below the top of a stack.
    if (start % 8 !== 0 || start < 0 || start + BYTES > bytes.length) continue;
    const fits = fields.every(({ at, value }) =>
      value.equals(bytes.subarray(start + at, start + at + 8)),
    );
    if (!fits) continue;
    const {
      entry: _,
      cs: __,
      ...registers
    } = Object.fromEntries(
      CPU_USER_REGS.map((field, index) => [field, bytes.readBigUInt64LE(start + index * 8)]),
    ) as Record<Field, bigint>;
    return registers;
  }
  return null;
}
