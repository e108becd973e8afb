// What comes after Linux in its domain: what does it find? It reports `fact` records, of what Xen gives a kernel once and
// of what the kernel before it may have left. Without the soft reset it does not come beyond its first line here;
// with `interrupts=off` it reports what it can without them, and ends.

import {
  bootModules,
  commandLine,
  commandLineValue,
  describeResult,
  record,
  sched,
  systemTime,
  xenstore,
} from "xenlet";
import { gnttab_query_size, GNTTABOP_query_size, grant_entry_v1 } from "xenlet/raw/abi/grant_table";
import { XENMAPSPACE_grant_table } from "xenlet/raw/abi/memory";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { grant_table_op, memory_op } from "xenlet/raw/hypercall";
import { load32, mapXenFrame, physical_read, physical_write } from "xenlet/raw/memory";
import { say_stage } from "xenlet/raw/record";
import { needSharedInfo, registerVcpuInfo } from "xenlet/raw/shared-info";
import { MemoryMap } from "xenlet/raw/start-info";

@external("native", "probe") declare function probe(): void;
@external("native", "left") declare function left(): void;

const GNTTAB_NR_RESERVED_ENTRIES: i32 = 8;
const PAGE_SIZE: u64 = 4096;
/** ns */
const STORE_TIMEOUT: u64 = 60_000_000_000;
const XENMEM_current_reservation: u32 = 3;

function fact(text: string): void {
  record("fact", text);
}

const word: usize = memory.data(8, 8);

/** Whether nothing keeps what is written to that frame: reads of it are all ones. */
function isHole(paddr: u64): bool {
  physical_read(word, paddr, 8);
  if (load<u64>(word) != u64.MAX_VALUE) return false;
  store<u64>(word, 0);
  physical_write(paddr, word, 8);
  physical_read(word, paddr, 8);
  const hole = load<u64>(word) != 0;
  store<u64>(word, u64.MAX_VALUE);
  physical_write(paddr, word, 8);
  return hole;
}

/** Frames of RAM, by the memory map, where there is nothing. */
function holes(): string {
  const map = MemoryMap.read();
  let found = 0;
  let last: u64 = 0;
  let text = "";
  for (let i = 0; i < map.entries.length; i++) {
    const entry = map.entries[i];
    if (!entry.isRam) continue;
    const first = (entry.paddr + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    for (let paddr = first; paddr + PAGE_SIZE <= entry.end; paddr += PAGE_SIZE)
      if (isHole(paddr)) {
        found++;
        if (paddr != last + PAGE_SIZE && found < 40) text += " 0x" + paddr.toString(16);
        last = paddr;
      }
  }
  return found.toString() + text;
}

/** Entries of the grant table that are not the toolstack's and not empty. */
function leftGrants(): i32 {
  const size = changetype<gnttab_query_size>(memory.data(offsetof<gnttab_query_size>(), 8));
  size.dom = DOMID_SELF;
  grant_table_op(GNTTABOP_query_size, changetype<usize>(size), 1);
  const table = mapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table");
  const entries = <i32>(PAGE_SIZE / offsetof<grant_entry_v1>());
  let left = 0;
  for (let ref = GNTTAB_NR_RESERVED_ENTRIES; ref < entries; ref++)
    if ((load32(table + <usize>ref * offsetof<grant_entry_v1>()) & 0xffff) != 0) left++;
  return left;
}

say_stage(); // what follows may have no end
if (commandLineValue("interrupts") == "off") {
  left();
  process.exit(0);
}
needSharedInfo(); // with the upcall: Linux's events come
fact("entered: modules=" + bootModules().length.toString() + " cmdline=" + commandLine());
probe();
fact("vcpu_info: " + registerVcpuInfo().toString());
fact("holes: " + holes());
fact("grants: " + leftGrants().toString());
fact("pages: " + memory_op(XENMEM_current_reservation, memory.data<u16>([DOMID_SELF])).toString());
console.log("console after Linux");
/* dom0 has more than this domain to serve. */
xenstore.timeout = STORE_TIMEOUT;
const found = xenstore.read("data/linux");
const written = xenstore.write("data/xenlet", "written");
fact(
  "store: linux=" +
    found.value +
    " write=" +
    describeResult(written) +
    " read=" +
    xenstore.read("data/xenlet").value,
);

// Not sched.block(): Linux's upcalls came by local APIC, and no Xen takes that back (docs/kexec.md).
const ROUNDS = 20;
const MS: u64 = 1_000_000;
for (let round = 0; round < ROUNDS; round++) sched.poll([], systemTime() + MS);
fact("slept: poll");
setTimeout(() => fact("slept: timeout"), 5);
