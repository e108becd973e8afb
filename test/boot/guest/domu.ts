// A domain that its toolstack is tried with. `do=` on the command line says what it does; it ends by powering off,
// unless that is something else.

import {
  bootModules,
  checked,
  commandLine,
  commandLineValue,
  evtchn,
  MAX_VCPUS,
  PhysicalBytes,
  sched,
  softReset,
  step,
  systemTime,
  Vcpu,
  watchdogOp,
  xen,
} from "xenlet";
import { hvm_memmap_table_entry, hvm_start_info } from "xenlet/raw/abi/start_info";
import { ConsoleRing } from "xenlet/raw/console-ring";
import { load8 } from "xenlet/raw/memory";
import { needSharedInfo } from "xenlet/raw/shared-info";
import { boot_data, BootData } from "xenlet/raw/start-info";

/** Lines of all lengths, 100 KB of them, among records that go another way. */
function talk(): void {
  for (let i = 0; i < 330; i++) {
    console.log(i.toString() + " " + "über 😀 ".repeat(i % 31));
    if (i % 7 == 0) step(i.toString());
  }
}

/** Lines that are longer than the ring. */
function longLines(): void {
  for (let i = 0; i < 3; i++) console.log("long " + "€".repeat(2000 + i * 3001) + " end");
  console.log("short");
}

function sum(paddr: u64, size: u32): u32 {
  const bytes = new PhysicalBytes(paddr, size);
  const buffer = heap.alloc(size);
  bytes.read(0, buffer, size);
  let sum: u8 = 0;
  for (let i: u32 = 0; i < size; i++) sum += load<u8>(buffer + i);
  heap.free(buffer);
  return sum;
}

function text(bytes: PhysicalBytes, offset: u64, size: u32): string {
  const buffer = heap.alloc(size);
  bytes.read(offset, buffer, size);
  return String.UTF8.decodeUnsafe(buffer, size);
}

/** A table of ACPI's: its signature, size and checksum. */
class Table extends PhysicalBytes {
  constructor(paddr: u64) {
    super(paddr, new PhysicalBytes(paddr, 36).u32(4));
    console.log(
      text(this, 0, 4) + " size=" + this.size.toString() + " sum=" + sum(paddr, <u32>this.size).toString(),
    );
  }
}

function madt(table: Table): void {
  for (let at: u64 = 44; at < table.size;) {
    const head = table.u32(at);
    const entry =
      "type=" +
      (head & 0xff).toString() +
      " processor=" +
      ((head >> 16) & 0xff).toString() +
      " apic=" +
      (head >> 24).toString();
    console.log("madt " + entry + " flags=" + table.u32(at + 4).toString());
    at += (head >> 8) & 0xff;
  }
}

/** What the loader says: start_info, and the ACPI tables that it leads to. */
function startInfo(): void {
  const buffer = memory.data(offsetof<hvm_start_info>(), 8);
  boot_data(BootData.START_INFO, buffer, <u32>offsetof<hvm_start_info>());
  const info = changetype<hvm_start_info>(buffer);
  console.log("version " + info.version.toString() + " modules " + info.nr_modules.toString());
  const size = boot_data(BootData.MEMMAP, 0, 0);
  const map = heap.alloc(size);
  boot_data(BootData.MEMMAP, map, size);
  for (let at: usize = 0; at < size; at += offsetof<hvm_memmap_table_entry>()) {
    const entry = changetype<hvm_memmap_table_entry>(map + at);
    console.log(
      "map " + entry.addr.toString(16) + " " + entry.size.toString(16) + " " + entry.type.toString(),
    );
  }
  const rsdp = new PhysicalBytes(info.rsdp_paddr, 36);
  console.log(
    "rsdp " +
      rsdp.paddr.toString(16) +
      " '" +
      text(rsdp, 0, 8) +
      "' sums " +
      sum(rsdp.paddr, 20).toString() +
      " " +
      sum(rsdp.paddr, 36).toString(),
  );
  const xsdt = new Table(rsdp.u64(24));
  for (let at: u64 = 36; at < xsdt.size; at += 8) {
    const table = new Table(xsdt.u64(at));
    const signature = text(table, 0, 4);
    if (signature == "APIC") madt(table);
    if (signature == "FACP") {
      console.log("hardware-reduced " + ((table.u32(112) >> 20) & 1).toString());
      new Table(table.u64(140));
    }
  }
}

/** What the loader brought along, and that it is still there when all memory is in use. */
function modules(): void {
  while (memory.grow(16) >= 0) {}
  memory.fill((<usize>memory.size()) << 15, 0xaa, (<usize>memory.size()) << 15);
  const found = bootModules();
  for (let i = 0; i < found.length; i++) {
    let hash: u32 = 0x811c9dc5;
    if (found[i].size > 0) {
      const at = found[i].map();
      for (let j: usize = 0; j < <usize>found[i].size; j++) hash = (hash ^ load8(at + j)) * 0x01000193;
    }
    console.log("module " + i.toString() + " size=" + found[i].size.toString() + " fnv1a=" + hash.toString());
  }
}

/** All the memory that it was given is there. */
function fill(): void {
  while (memory.grow(16) >= 0) {}
  const size: usize = (<usize>memory.size()) << 16;
  const first: usize = heap.alloc(16);
  for (let at = first; at < size; at += 4096) store<usize>(at, at);
  let wrong = 0;
  for (let at = first; at < size; at += 4096) if (load<usize>(at) != at) wrong++;
  console.log("MiB " + (size >> 20).toString() + " wrong " + wrong.toString());
}

/** Starts every vCPU that it has, and has each do something. */
function vcpus(): void {
  const count = <u32>parseInt(commandLineValue("vcpus", "1"));
  let counted: u32 = 1;
  for (let id: u32 = 1; id < min(count, MAX_VCPUS); id++) {
    const vcpu = Vcpu.start(id);
    vcpu.yield(100);
    if (vcpu.wait(5_000_000_000) && vcpu.result == 0) counted++;
  }
  console.log("vcpus " + counted.toString());
}

/** A number each 10 ms until it is ended. */
function tick(): void {
  for (let i = 0; ; i++) {
    console.log("tick " + i.toString());
    sched.poll([], systemTime() + 10_000_000);
  }
}

/** Says what is typed, up to a line's end, a line at a time; `wait=` ms before it begins to read. */
function typed(): void {
  const ring = ConsoleRing.own()!;
  sched.poll([], systemTime() + <u64>parseInt(commandLineValue("wait", "0")) * 1_000_000);
  const buffer = heap.alloc(64);
  let line = "";
  let slept = 0;
  while (true) {
    /* Cleared before the look: an event after that ends the poll. */
    evtchn.clear(ring.port);
    const size = ring.read(buffer, 64);
    line += String.UTF8.decodeUnsafe(buffer, size);
    if (line.endsWith("\r") || line.endsWith("\n")) break;
    if (size > 0) continue;
    slept++;
    sched.poll([ring.port]);
  }
  console.log("typed " + line.trimEnd());
  console.log("slept " + (slept > 0).toString());
}

/**
 * Input that comes while it fills the ring to the outside, so that waiting for room takes the event that tells of
 * input. The handler is called nevertheless.
 */
function typedMeanwhile(): void {
  const ring = ConsoleRing.own()!;
  evtchn.on(ring.port, ring, (ring: ConsoleRing, port: u32) => {
    if (ring.available > 0) {
      console.log("heard of " + ring.available.toString());
      evtchn.off(port);
    }
  });
  while (ring.available == 0) console.log("x".repeat(150));
  for (let i = 0; i < 100; i++) console.log("y".repeat(150));
}

/** Asks for a soft reset `times=` times, one right after the other. */
function reset(): void {
  const times = <i32>parseInt(commandLineValue("times", "1"));
  for (let i = 0; i < times; i++) {
    const result = softReset.request();
    xen.attach();
    console.log("reset " + i.toString() + " = " + result.toString());
  }
}

/** With shared_info mapped, which is what Xen has to clean. */
function request(): void {
  needSharedInfo();
  console.log("request = " + softReset.request().toString());
}

const what = commandLineValue("do");
if (what == "talk") talk();
else if (what == "long-lines") longLines();
else if (what == "start-info") startInfo();
else if (what == "cmdline") console.log(commandLine());
else if (what == "modules") modules();
else if (what == "fill") fill();
else if (what == "vcpus") vcpus();
else if (what == "tick") tick();
else if (what == "typed") typed();
else if (what == "typed-meanwhile") typedMeanwhile();
else if (what == "reset") reset();
else if (what == "request") request();
else if (what == "end") sched.shutdown(<u32>parseInt(commandLineValue("reason")));
else if (what == "trap") unreachable();
else if (what == "throw") throw new Error("on purpose");
else if (what == "watchdog") {
  checked("SCHEDOP_watchdog", watchdogOp(0, 0));
  while (true) {}
} else if (what == "hang") while (true) sched.block();
else if (what != "nothing") throw new Error("do=" + what + " is nothing that this guest does");
