// vCPU 0 as PVH wants it at the entry (docs/misc/pvh in Xen's source): 32-bit, flat, paging off, %ebx pointing to
// start_info. By a save record, which is the only way in for a domain that has never run.

import {
  HVM_FILE_MAGIC,
  HVM_FILE_VERSION,
  HVM_HW_CPU_CR0,
  HVM_HW_CPU_CS_ARBYTES,
  HVM_HW_CPU_CS_LIMIT,
  HVM_HW_CPU_DR6,
  HVM_HW_CPU_DR7,
  HVM_HW_CPU_DS_ARBYTES,
  HVM_HW_CPU_DS_LIMIT,
  HVM_HW_CPU_ES_ARBYTES,
  HVM_HW_CPU_ES_LIMIT,
  HVM_HW_CPU_RBX,
  HVM_HW_CPU_RIP,
  HVM_HW_CPU_SIZE,
  HVM_HW_CPU_SS_ARBYTES,
  HVM_HW_CPU_SS_LIMIT,
  HVM_HW_CPU_TR_ARBYTES,
  HVM_HW_CPU_TR_LIMIT,
  HVM_HW_MTRR_MSR_MTRR_CAP,
  HVM_HW_MTRR_MSR_MTRR_DEF_TYPE,
  HVM_HW_MTRR_MSR_PAT_CR,
  HVM_HW_MTRR_SIZE,
  HVM_SAVE_CODE_CPU,
  HVM_SAVE_CODE_END,
  HVM_SAVE_CODE_HEADER,
  HVM_SAVE_CODE_MTRR,
  hvm_save_descriptor,
  hvm_save_header,
} from "xenlet/raw/abi/hvm_save";
import { Domain } from "./domain";

const DESCRIPTOR: u32 = <u32>offsetof<hvm_save_descriptor>();
const HEADER: u32 = <u32>offsetof<hvm_save_header>();
const SIZE: u32 = 4 * DESCRIPTOR + HEADER + HVM_HW_CPU_SIZE + HVM_HW_MTRR_SIZE;

const blob: usize = memory.data(SIZE, 8);

/** CR0.PE and CR0.ET; Xen refuses a context without ET. */
const CR0_PE_ET: u64 = 0x11;
const DR6_RESET: u64 = 0xffff0ff0;
const DR7_RESET: u64 = 0x400;

// Access rights as VMX has them: present, accessed; code 32-bit; data 32-bit; a busy 32-bit TSS.
const CODE32: u32 = 0xc9b;
const DATA32: u32 = 0xc93;
const TSS32: u32 = 0x8b;
const FLAT: u32 = 0xffffffff;
const TSS_LIMIT: u32 = 0x67;

// Memory is write-back by default, as libxl sets it: MTRRs on (bit 11), type 6. The other two are reset values.
const MTRR_DEF_TYPE_WB: u64 = 0x806;
const MTRR_CAP: u64 = 0x508;
const PAT_RESET: u64 = 0x0007040600070406;

let at: usize = 0;

function begin(code: u16, length: u32): usize {
  const descriptor = changetype<hvm_save_descriptor>(at);
  descriptor.typecode = code;
  descriptor.instance = 0;
  descriptor.length = length;
  const body = at + DESCRIPTOR;
  at = body + length;
  return body;
}

function writeCpu(cpu: usize, entry: u64, startInfo: u64): void {
  store<u64>(cpu + HVM_HW_CPU_RBX, startInfo);
  store<u64>(cpu + HVM_HW_CPU_RIP, entry);
  store<u64>(cpu + HVM_HW_CPU_CR0, CR0_PE_ET);
  store<u64>(cpu + HVM_HW_CPU_DR6, DR6_RESET);
  store<u64>(cpu + HVM_HW_CPU_DR7, DR7_RESET);
  store<u32>(cpu + HVM_HW_CPU_CS_LIMIT, FLAT);
  store<u32>(cpu + HVM_HW_CPU_DS_LIMIT, FLAT);
  store<u32>(cpu + HVM_HW_CPU_ES_LIMIT, FLAT);
  store<u32>(cpu + HVM_HW_CPU_SS_LIMIT, FLAT);
  store<u32>(cpu + HVM_HW_CPU_TR_LIMIT, TSS_LIMIT);
  store<u32>(cpu + HVM_HW_CPU_CS_ARBYTES, CODE32);
  store<u32>(cpu + HVM_HW_CPU_DS_ARBYTES, DATA32);
  store<u32>(cpu + HVM_HW_CPU_ES_ARBYTES, DATA32);
  store<u32>(cpu + HVM_HW_CPU_SS_ARBYTES, DATA32);
  store<u32>(cpu + HVM_HW_CPU_TR_ARBYTES, TSS32);
}

/** Sets `domain`'s vCPU 0 to enter at guest physical `entry` with `startInfo` in %ebx. Xen's errno, or 0. */
export function setEntryState(domain: Domain, entry: u64, startInfo: u64): i64 {
  memory.fill(blob, 0, SIZE);
  at = blob;
  const header = changetype<hvm_save_header>(begin(HVM_SAVE_CODE_HEADER, HEADER));
  header.magic = HVM_FILE_MAGIC;
  header.version = HVM_FILE_VERSION;
  writeCpu(begin(HVM_SAVE_CODE_CPU, HVM_HW_CPU_SIZE), entry, startInfo);
  const mtrr = begin(HVM_SAVE_CODE_MTRR, HVM_HW_MTRR_SIZE);
  store<u64>(mtrr + HVM_HW_MTRR_MSR_PAT_CR, PAT_RESET);
  store<u64>(mtrr + HVM_HW_MTRR_MSR_MTRR_CAP, MTRR_CAP);
  store<u64>(mtrr + HVM_HW_MTRR_MSR_MTRR_DEF_TYPE, MTRR_DEF_TYPE_WB);
  begin(HVM_SAVE_CODE_END, 0);
  return domain.setContext(blob, SIZE);
}
