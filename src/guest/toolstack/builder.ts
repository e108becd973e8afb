// A PVH domain, from nothing to ready to run: what libxl does for type="pvh" (tools/libs/light/libxl_create.c,
// tools/libs/guest, 4.17), by hypercalls alone.

import { describeResult } from "xenlet/raw/errno";
import { checked } from "xenlet/raw/hypercall";
import { shared_clear, shared_copy } from "xenlet/internal/intrinsics";
import { HVM_PARAM_CONSOLE_PFN, HVM_PARAM_IDENT_PT, HVM_PARAM_STORE_PFN } from "xenlet/raw/abi/hvm";
import {
  XEN_HVM_START_MAGIC_VALUE,
  hvm_memmap_table_entry,
  hvm_modlist_entry,
  hvm_start_info,
} from "xenlet/raw/abi/start_info";
import { E820ENTRY_SIZE } from "xenlet/raw/abi/memory";
import { ByteSource } from "xenlet/internal/memory/physical";
import { writeAcpi } from "./acpi";
import { Domain, DomainKind } from "./domain";
import { PAGE_SIZE, mapFrame, throughWindow, unmapFrame } from "./foreign-frames";
import { Image, copyInto } from "./image";
import {
  ACPI_BASE,
  ACPI_PAGES,
  CONSOLE_GFN,
  HIGH_RAM,
  IDENT_PT_GFN,
  LOW_RAM_END,
  SPECIAL_GFN,
  SPECIAL_PAGES,
  STORE_GFN,
  writeMemoryMap,
} from "./memory-map";
import { setEntryState } from "./vcpu-state";

/** What a domain shall be. */
export class DomainConfig {
  kind: DomainKind = new DomainKind();
  /** RAM, in MiB: 8 or more. */
  memoryMiB: u32 = 32;
  /** Pages that it may have beyond that and its special pages. libxl gives 1 MiB: a soft reset may need one. */
  slackPages: u32 = 256;
  /** At most 2047 bytes. */
  commandLine: string = "";
  modules: Array<ByteSource> = [];
}

// Offsets in the page of start_info.
const MODLIST: u32 = 0x40;
const MEMMAP: u32 = 0x140;
const COMMAND_LINE: u32 = 0x400;
const MAX_COMMAND_LINE: u32 = 2048;
const MAX_MODULES: u32 = 8;

/** 2 MiB. */
const SUPERPAGE_ORDER: u32 = 9;

function pages(bytes: u64): u64 {
  return (bytes + PAGE_SIZE - 1) >> 12;
}

/**
 * RAM, in the largest pages that fit and that Xen still has in one piece: fewer nested page tables, and fewer entries
 * in the calls.
 */
function populateRange(domain: Domain, from: u64, to: u64): void {
  const first = from >> 12;
  const count = <u32>((to - from) >> 12);
  const large = max<i64>(domain.populate(first, count >> SUPERPAGE_ORDER, SUPERPAGE_ORDER), 0);
  const done = (<u32>large) << SUPERPAGE_ORDER;
  const small = domain.populate(first + done, count - done, 0);
  if (small != count - done)
    throw new Error(
      "Xen has too little memory for a domain with RAM up to 0x" +
        to.toString(16) +
        " (XENMEM_populate_physmap: " +
        (small < 0
          ? describeResult(small)
          : (done + <u32>small).toString() + " of " + count.toString() + " pages") +
        "): give the machine more, or the domain less",
    );
}

function clear(nothing: i32, at: usize, paddr: u64, size: u32): void {
  shared_clear(at, size);
}

function populate(domain: Domain, config: DomainConfig): void {
  const bytes = (<u64>config.memoryMiB) << 20;
  populateRange(domain, 0, min(bytes, LOW_RAM_END));
  if (bytes > LOW_RAM_END) populateRange(domain, HIGH_RAM, HIGH_RAM + bytes - LOW_RAM_END);
  const special = domain.populate(SPECIAL_GFN, SPECIAL_PAGES, 0);
  const acpi = domain.populate(ACPI_BASE >> 12, ACPI_PAGES, 0);
  if (special != SPECIAL_PAGES || acpi != ACPI_PAGES)
    throw new Error("Xen has no memory for the domain's special pages");
  throughWindow(domain.id, SPECIAL_GFN << 12, (<u64>SPECIAL_PAGES) << 12, 0, clear);
}

/** Where a page of the domain's is written before it is copied there. */
const page: usize = memory.data(<i32>PAGE_SIZE, 8);

function newPage(): usize {
  memory.fill(page, 0, PAGE_SIZE);
  return page;
}

function putPage(domain: Domain, gfn: u64): void {
  const at = mapFrame(domain.id, gfn);
  shared_copy(at, page, PAGE_SIZE);
  unmapFrame(at);
}

/** 4 GiB, identity mapped by 4 MiB pages: present, writable, user, accessed, dirty, PSE. */
function writeIdentityMap(domain: Domain): void {
  const at = newPage();
  for (let i: u32 = 0; i < 1024; i++) store<u32>(at + i * 4, (i << 22) | 0xe7);
  putPage(domain, IDENT_PT_GFN);
  checked("HVM_PARAM_IDENT_PT", domain.setParam(HVM_PARAM_IDENT_PT, IDENT_PT_GFN << 12));
}

/** The same map for a guest that asks Xen: start_info has none in version 0, and not every kernel reads it. */
function setMemoryMap(domain: Domain, config: DomainConfig): void {
  const at = newPage();
  const count = writeMemoryMap(at, (<u64>config.memoryMiB) << 20, E820ENTRY_SIZE);
  checked("XENMEM_set_memory_map", domain.setMemoryMap(at, count));
}

/** Copies the modules to behind the page at `base`, and writes start_info and all that it points to into that page. */
function writeStartInfo(domain: Domain, config: DomainConfig, base: u64, rsdp: u64): void {
  const modules = config.modules;
  if (<u32>modules.length > MAX_MODULES) throw new Error("a domain gets 8 modules at most");
  const words = String.UTF8.encode(config.commandLine, true);
  if (<u32>words.byteLength > MAX_COMMAND_LINE)
    throw new Error("a domain's command line has 2047 bytes at most");

  const at = newPage();
  const info = changetype<hvm_start_info>(at);
  info.magic = XEN_HVM_START_MAGIC_VALUE;
  info.version = 1;
  info.nr_modules = modules.length;
  info.modlist_paddr = modules.length > 0 ? base + MODLIST : 0;
  info.cmdline_paddr = base + COMMAND_LINE;
  info.rsdp_paddr = rsdp;
  info.memmap_paddr = base + MEMMAP;
  info.memmap_entries = writeMemoryMap(
    at + MEMMAP,
    (<u64>config.memoryMiB) << 20,
    offsetof<hvm_memmap_table_entry>(),
  );
  memory.copy(at + COMMAND_LINE, changetype<usize>(words), words.byteLength);
  let to = base + PAGE_SIZE;
  for (let i = 0; i < modules.length; i++) {
    const entry = changetype<hvm_modlist_entry>(at + MODLIST + i * offsetof<hvm_modlist_entry>());
    entry.paddr = to;
    entry.size = modules[i].size;
    to += pages(modules[i].size) << 12;
  }
  putPage(domain, base >> 12);

  to = base + PAGE_SIZE;
  for (let i = 0; i < modules.length; i++) {
    copyInto(domain.id, to, modules[i]);
    to += pages(modules[i].size) << 12;
  }
}

/** Ends the toolstack if image, start_info and modules do not fit in the domain's RAM below 4 GiB. */
function checkRoom(config: DomainConfig, image: Image): void {
  let needed = image.end + 2 * PAGE_SIZE;
  for (let i = 0; i < config.modules.length; i++) needed += pages(config.modules[i].size) << 12;
  if (needed > min((<u64>config.memoryMiB) << 20, LOW_RAM_END))
    throw new Error(
      "the image and its modules take up the first " +
        ((needed + 0xfffff) >> 20).toString() +
        " MiB of a domain that has " +
        config.memoryMiB.toString() +
        ": give it more",
    );
}

/** Nested page tables, in MiB: libxl's rule, 1 MiB a vCPU and 8 KiB a MiB of RAM. */
function pagingPool(config: DomainConfig): u32 {
  return config.kind.vcpus + ((config.memoryMiB * 8 + 1023) >> 10) + 1;
}

/** An empty domain of that kind: vCPUs, its memory's limits, nothing in it. */
export function createEmpty(config: DomainConfig): Domain {
  const domain = new Domain(<u16>checked("XEN_DOMCTL_createdomain", Domain.create(config.kind)));
  checked("XEN_DOMCTL_max_vcpus", domain.setMaxVcpus(config.kind.vcpus));
  const limit = ((<u64>config.memoryMiB) << 10) + <u64>(config.slackPages + SPECIAL_PAGES + ACPI_PAGES) * 4;
  checked("XEN_DOMCTL_max_mem", domain.setMaxMemory(limit));
  checked("XEN_DOMCTL_set_paging_mempool_size", domain.setPagingPool(pagingPool(config)));
  return domain;
}

/**
 * Creates a domain with `image` in it. It is paused: unpause() lets it run. What Xen refuses ends the toolstack, with
 * the operation and the errno.
 */
export function buildDomain(config: DomainConfig, image: Image): Domain {
  checkRoom(config, image);
  const domain = createEmpty(config);
  populate(domain, config);
  writeIdentityMap(domain);
  setMemoryMap(domain, config);
  image.loadInto(domain.id);

  const rsdp = writeAcpi(newPage(), config.kind.vcpus);
  putPage(domain, ACPI_BASE >> 12);

  const base = pages(image.end) << 12;
  writeStartInfo(domain, config, base, rsdp);
  checked("HVM_PARAM_STORE_PFN", domain.setParam(HVM_PARAM_STORE_PFN, STORE_GFN));
  checked("HVM_PARAM_CONSOLE_PFN", domain.setParam(HVM_PARAM_CONSOLE_PFN, CONSOLE_GFN));
  checked("XEN_DOMCTL_sethvmcontext", setEntryState(domain, image.entry, base));
  return domain;
}
