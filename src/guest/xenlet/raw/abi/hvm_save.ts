// xen/include/public/hvm/save.h and arch-x86/hvm/save.h, Xen 4.17; the same in 4.14 to 4.22.

/** What introduces each record of a context. */
@unmanaged export class hvm_save_descriptor {
  typecode: u16;
  instance: u16;
  length: u32;
}

export const HVM_FILE_MAGIC: u32 = 0x54381286;
export const HVM_FILE_VERSION: u32 = 1;

/** The first record, HEADER. */
@unmanaged
export class hvm_save_header {
  magic: u32;
  version: u32;
  changeset: u64;
  cpuid: u32;
  gtsc_khz: u32;
}

// DECLARE_HVM_SAVE_TYPE's codes.
export const HVM_SAVE_CODE_END: u16 = 0;
export const HVM_SAVE_CODE_HEADER: u16 = 1;
export const HVM_SAVE_CODE_CPU: u16 = 2;
export const HVM_SAVE_CODE_MTRR: u16 = 14;

// struct hvm_hw_cpu: offsets in bytes of what a fresh vCPU needs; the rest is 0.
export const HVM_HW_CPU_SIZE: u32 = 1032;
export const HVM_HW_CPU_RBX: usize = 520;
export const HVM_HW_CPU_RIP: usize = 640;
export const HVM_HW_CPU_CR0: usize = 656;
export const HVM_HW_CPU_DR6: usize = 720;
export const HVM_HW_CPU_DR7: usize = 728;
export const HVM_HW_CPU_CS_LIMIT: usize = 768;
export const HVM_HW_CPU_DS_LIMIT: usize = 772;
export const HVM_HW_CPU_ES_LIMIT: usize = 776;
export const HVM_HW_CPU_SS_LIMIT: usize = 788;
export const HVM_HW_CPU_TR_LIMIT: usize = 792;
export const HVM_HW_CPU_CS_ARBYTES: usize = 888;
export const HVM_HW_CPU_DS_ARBYTES: usize = 892;
export const HVM_HW_CPU_ES_ARBYTES: usize = 896;
export const HVM_HW_CPU_SS_ARBYTES: usize = 908;
export const HVM_HW_CPU_TR_ARBYTES: usize = 912;

// struct hvm_hw_mtrr
export const HVM_HW_MTRR_SIZE: u32 = 240;
export const HVM_HW_MTRR_MSR_PAT_CR: usize = 0;
export const HVM_HW_MTRR_MSR_MTRR_CAP: usize = 224;
export const HVM_HW_MTRR_MSR_MTRR_DEF_TYPE: usize = 232;
