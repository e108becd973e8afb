// Jumps into Linux: boot module 0 is its vmlinux, and behind that, in the last `initramfs=` bytes, its initramfs. `next=` is
// its command line, with + for a space.
//
// Linux needs ACPI tables, to have timers and a power switch, and RAM below 1 MiB. A domain of type hvm whose hvmloader
// this image has replaced is told of neither: the RAM is there, and the tables are written where a PC's BIOS has them.

import { bootModules, commandLineValue, kexec, KexecOptions, PhysicalBytes, record, xenstore } from "xenlet";
import { hvm_start_info, XEN_HVM_MEMMAP_TYPE_RAM } from "xenlet/raw/abi/start_info";
import { physical_write } from "xenlet/raw/memory";
import { boot_data, BootData, MemoryMapEntry } from "xenlet/raw/start-info";
import { writeAcpi } from "xenlet/raw/toolstack";

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
