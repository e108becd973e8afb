// Our names for Xen's ABI in the terms of Xen's own headers, and what is known to differ between releases.

import type { XenRelease } from "../../src/host/debian/index.js";

export const HEADERS = [
  "xen.h",
  "errno.h",
  "sched.h",
  "event_channel.h",
  "memory.h",
  "vcpu.h",
  "grant_table.h",
  "version.h",
  "elfnote.h",
  "physdev.h",
  "platform.h",
  "domctl.h",
  "sysctl.h",
  "hvm/dm_op.h",
  "hvm/hvm_op.h",
  "hvm/params.h",
  "hvm/hvm_vcpu.h",
  "hvm/save.h",
  "arch-x86/cpuid.h",
  "arch-x86/hvm/start_info.h",
  "io/console.h",
  "io/xs_wire.h",
];

/** What a constant's name begins with, where it is a field's offset in that structure (`_SIZE`: the structure's size). */
const OFFSETS: Record<string, string> = {
  SHARED_INFO: "struct shared_info",
  VCPU_INFO: "struct vcpu_info",
  TIME: "struct vcpu_time_info",
  RUNSTATE_INFO: "struct vcpu_runstate_info",
  CONTROL_BLOCK: "struct evtchn_fifo_control_block",
  XENCONS: "struct xencons_interface",
  XENSTORE_INTERFACE: "struct xenstore_domain_interface",
  HVM_HW_CPU: "struct hvm_hw_cpu",
  HVM_HW_MTRR: "struct hvm_hw_mtrr",
};

/** What the ELF specification calls otherwise: <elf.h>. */
const ELF: Record<string, string> = {
  ELF_MAGIC: "ELFMAG0 | ELFMAG1 << 8 | ELFMAG2 << 16 | ELFMAG3 << 24",
  EHDR32_SIZE: "sizeof(Elf32_Ehdr)",
  EHDR64_SIZE: "sizeof(Elf64_Ehdr)",
  PHDR32_SIZE: "sizeof(Elf32_Phdr)",
  PHDR64_SIZE: "sizeof(Elf64_Phdr)",
  NHDR_SIZE: "sizeof(Elf64_Nhdr)",
};

/** A constant's name as an expression that Xen's headers give a value to. */
export function inXensTerms(name: string): string {
  const elf = ELF[name];
  if (elf !== undefined) return elf;
  const prefix = Object.keys(OFFSETS).find((one) => name.startsWith(`${one}_`));
  if (prefix !== undefined) {
    const structure = OFFSETS[prefix] ?? "";
    const field = name.slice(prefix.length + 1).toLowerCase();
    return field === "size" ? `sizeof(${structure})` : `offsetof(${structure}, ${field})`;
  }
  const code = /^HVM_SAVE_CODE_(\w+)$/.exec(name)?.[1];
  if (code !== undefined) return `HVM_SAVE_CODE(${code})`;
  if (/^E[A-Z0-9]+$/.test(name) && !name.startsWith("ELF")) return `XEN_${name}`;
  return name;
}

/** Structures of ours that Xen's headers call otherwise. */
const STRUCTURES: Record<string, string> = {
  evtchn_port: "evtchn_close",
};

export const structureOf = (name: string): string => `struct ${STRUCTURES[name] ?? name}`;

/** Structures of which ours is the beginning only: where it ends in Xen's; null: somewhere in the middle. */
export const BEGINNINGS: Record<string, string | null> = {
  xen_domctl: "u",
  xen_sysctl: "u",
  xen_dm_op: "u",
  xen_platform_op: "u",
  xen_domctl_createdomain: null,
  xen_domctl_getdomaininfo: null,
  xen_domctl_shadow_op: null,
};

/** The first release of Debian's whose headers have the name, where that is not the oldest one. */
export const SINCE: Record<string, XenRelease> = {
  XEN_DOMCTL_set_paging_mempool_size: "4.17",
  xen_domctl_paging_mempool: "4.17",
  XENSTORE_SERVER_FEATURE_ERROR: "4.17",
  XENSTORE_INTERFACE_ERROR: "4.17",
  XENSTORE_ERROR_NONE: "4.17",
  XENSTORE_ERROR_COMM: "4.17",
  XENSTORE_ERROR_RINGIDX: "4.17",
  XENSTORE_ERROR_PROTO: "4.17",
};

/** What has no name in a public header, and where it comes from instead. */
export const NOT_IN_HEADERS: Record<string, string> = {
  DOMID_ANY: "xen.h of 4.22, which no suite has",
  XEN_HVM_DEBUGCONS_IOPORT: "xen/arch/x86/hvm/hvm.c",
  XEN_CPUID_FIRST_LEAF: "arch-x86/cpuid.h, XEN_CPUID_LEAF: a macro with an argument",
  XEN_CPUID_LEAF_STEP: "the same, and docs/misc/pvh",
  XEN_CPUID_LAST_LEAF: "the same",
  E820ENTRY_SIZE: "sizeof(struct e820entry): xen/include/asm-x86/e820.h",
  UNSET_ADDR: "xen/include/xen/libelf.h",
  UNSET_ADDR32: "the same",
  XEN_NOTE_OWNER: "elfnote.h, in its prose: the note's name is Xen",
};
