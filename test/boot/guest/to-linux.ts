// Jumps into Linux: boot module 0 is its vmlinux, and behind that, in the last `initramfs=` bytes, its initramfs. `next=` is
// its command line, with + for a space.
//
// Linux needs ACPI tables, to have timers and a power switch, and RAM below 1 MiB. A domain of type hvm whose hvmloader
// this image has replaced is told of neither: the RAM is there, and the tables are written where a PC's BIOS has them.

import { KexecOptions, bootModules, commandLineValue, kexec, record, xenstore } from "xenlet";
import { XEN_HVM_MEMMAP_TYPE_RAM, hvm_start_info } from "xenlet/raw/abi/start_info";
import { boot_data, physical_write } from "xenlet/raw/intrinsics";
import { MemoryMapEntry } from "xenlet/internal/kexec/memory-map";
import { PhysicalBytes } from "xenlet/raw/physical";
import { BootData } from "xenlet/internal/start/start-info";
import { writeAcpi } from "xenlet/toolstack/acpi";

const LOW_RAM: u64 = 0xa0000;
const BIOS: u64 = 0xf0000;
const PAGE_SIZE = 4096;

function hasAcpi(): bool {
  const info = memory.data(offsetof<hvm_start_info>(), 8);
  boot_data(BootData.START_INFO, info, offsetof<hvm_start_info>());
  return changetype<hvm_start_info>(info).rsdp_paddr != 0;
}

const both = bootModules()[0];
const size = U64.parseInt(commandLineValue("initramfs"));
const options = new KexecOptions();
options.cmdline = commandLineValue("next").replaceAll("+", " ");
options.modules = [new PhysicalBytes(both.end - size, size)];
options.records = false;
if (!hasAcpi()) {
  const page = memory.data(PAGE_SIZE, 16);
  writeAcpi(page, 1, BIOS);
  physical_write(BIOS, page, PAGE_SIZE);
  options.moreMemory = [new MemoryMapEntry(0, LOW_RAM, XEN_HVM_MEMMAP_TYPE_RAM)];
}
const refusal = kexec.load(new PhysicalBytes(both.paddr, both.size - size), options);
if (refusal.length > 0) throw new Error(refusal);
/* ns: dom0 has more than this domain to serve. */
xenstore.timeout = 60_000_000_000;
record("fact", "store: write=" + xenstore.write("data/xenlet", "before").toString());
console.log("console before Linux");
throw new Error("exec: " + kexec.exec().toString() + ", " + kexec.why());
