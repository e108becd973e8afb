// What the tests of xl have a domain do: `do=…` on its command line. It reports `fact` records, which come by the
// debug port, and prints to the console.

import {
  checked,
  commandLineValue,
  control,
  evtchn,
  record,
  sched,
  SHUTDOWN_crash,
  SHUTDOWN_reboot,
  softReset,
  suspend,
  systemTime,
  Vcpu,
  Watchdog,
  xen,
  xenstore,
} from "xenlet";
import { grant } from "xenlet/grant";
import { HVM_PARAM_CONSOLE_EVTCHN, HVM_PARAM_CONSOLE_PFN } from "xenlet/raw/abi/hvm";
import { hvm_memmap_table_entry, XEN_HVM_MEMMAP_TYPE_RAM } from "xenlet/raw/abi/start_info";
import { VCPUOP_is_up } from "xenlet/raw/abi/vcpu";
import { ConsoleRing } from "xenlet/raw/console-ring";
import { hvmParam } from "xenlet/raw/hvm-param";
import { vcpu_op } from "xenlet/raw/hypercall";
import { shared_map } from "xenlet/raw/memory";
import { registerVcpuInfo } from "xenlet/raw/shared-info";
import { boot_data, BootData } from "xenlet/raw/start-info";

const SECOND: u64 = 1_000_000_000;

function fact(text: string): void {
  record("fact", text);
}

/** MiB of RAM that the loader's memory map has, to the next whole one. */
function memoryMiB(): u64 {
  const size = boot_data(BootData.MEMMAP, 0, 0);
  const buffer = heap.alloc(size);
  boot_data(BootData.MEMMAP, buffer, size);
  let bytes: u64 = 0;
  for (let at: usize = 0; at < size; at += offsetof<hvm_memmap_table_entry>()) {
    const entry = changetype<hvm_memmap_table_entry>(buffer + at);
    if (entry.type == XEN_HVM_MEMMAP_TYPE_RAM) bytes += entry.size;
  }
  return (bytes + ((1 << 20) - 1)) >> 20;
}

/** vCPUs that Xen knows of. */
function vcpuCount(): u32 {
  let count: u32 = 0;
  while (vcpu_op(VCPUOP_is_up, count, 0) >= 0) count++;
  return count;
}

/** A counter in dom0's part of the store, which outlives every domain. */
function count(): i32 {
  const value = xenstore.read("/xenlet/count");
  checked("reading the counter", value.error);
  const next = I32.parseInt(value.value) + 1;
  checked("writing the counter", xenstore.write("/xenlet/count", next.toString()));
  fact("life=" + next.toString());
  return next;
}

/** Answers each line that comes by the console, until "bye". */
function converse(): void {
  const port = <u32>hvmParam(HVM_PARAM_CONSOLE_EVTCHN);
  const ring = new ConsoleRing(shared_map(hvmParam(HVM_PARAM_CONSOLE_PFN), 1), port);
  const ports: StaticArray<u32> = [port];
  const buffer = heap.alloc(64);
  const deadline = systemTime() + 120 * SECOND;
  let line = "";
  while (systemTime() < deadline) {
    evtchn.clear(port);
    const size = ring.read(buffer, 64);
    line += String.UTF8.decodeUnsafe(buffer, size);
    const end = line.indexOf("\n");
    if (end >= 0) {
      const words = line.substring(0, end).trimEnd();
      line = line.substring(end + 1);
      fact("heard=" + words);
      console.log("you said: " + words);
      if (words == "bye") return;
    } else if (size == 0) sched.poll(ports, deadline);
  }
}

/** What there is of Xen's and the toolstack's things, before and after a reset. */
function look(when: string): void {
  const vcpuInfo = registerVcpuInfo();
  const again = registerVcpuInfo();
  xenstore.write("data/when", when);
  const read = xenstore.read("data/when");
  const port = <u32>checked("a port of our own", evtchn.allocUnbound(0));
  fact(
    "when=" +
      when +
      " vcpu_info=" +
      vcpuInfo.toString() +
      " again=" +
      again.toString() +
      " store=" +
      read.value +
      " port=" +
      port.toString(),
  );
  console.log("console " + when);
}

function resets(times: i32): void {
  look("at-first");
  for (let i = 1; i <= times; i++) {
    checked("prepare", softReset.prepare());
    fact("request=" + softReset.request().toString());
    xen.attach();
    look("after-" + i.toString());
  }
}

/** All vCPUs but this one: each has run once it is here. */
function startOthers(): Array<Vcpu> {
  const others: Array<Vcpu> = [];
  const count = vcpuCount();
  for (let id: u32 = 1; id < count; id++) {
    const vcpu = Vcpu.start(id);
    vcpu.yield(1);
    if (!vcpu.wait()) throw new Error("vCPU " + id.toString() + " does not run");
    others.push(vcpu);
  }
  return others;
}

/** What xl vcpu-set asks for. */
function obeyAvailability(vcpu: Vcpu): void {
  xenstore.on<Vcpu>("cpu/" + vcpu.id.toString() + "/availability", vcpu, (vcpu, path) => {
    if (xenstore.read(path).value != "offline") return;
    vcpu.down();
    console.log("vCPU " + vcpu.id.toString() + " offline");
  });
}

let suspends = 0;

/** As often as it is asked to, until it is asked to end; and reports each write to data/poke. */
function obeySuspend(): void {
  xenstore.on<i32>("data/poke", 0, (_, path) => {
    const value = xenstore.read("data/poke");
    if (value.error == 0) console.log("poke " + value.value);
  });
  const obeyed = suspend.obey((result: i64) => {
    suspends++;
    fact("suspend=" + result.toString());
    look("after-" + suspends.toString());
    fact("grant=" + grant.access(0, 0x100).toString());
    console.log("resumed " + suspends.toString());
  });
  checked("control/shutdown", obeyed);
  look("at-first");
  fact("grant=" + grant.access(0, 0x100).toString());
  console.log("waiting");
}

const what = commandLineValue("do");
if (what == "reboot") {
  if (count() < 3) sched.shutdown(SHUTDOWN_reboot);
} else if (what == "crash") {
  sched.shutdown(SHUTDOWN_crash);
} else if (what == "watchdog") {
  if (count() == 2) process.exit(0);
  Watchdog.start(1);
  while (true) sched.poll([], systemTime() + 60 * SECOND);
} else if (what == "wait") {
  checked("control/shutdown", control.obeyShutdown());
  const others = startOthers();
  fact("memory=" + memoryMiB().toString() + " vcpus=" + vcpuCount().toString());
  for (let i = 0; i < others.length; i++) obeyAvailability(others[i]);
  console.log("waiting");
} else if (what == "converse") {
  console.log("listening");
  converse();
} else if (what == "soft-reset") {
  resets(I32.parseInt(commandLineValue("times", "1")));
  const then = commandLineValue("then", "poweroff");
  if (then == "crash") sched.shutdown(SHUTDOWN_crash);
  if (then == "reboot+crash") sched.shutdown(count() < 2 ? SHUTDOWN_reboot : SHUTDOWN_crash);
} else if (what == "suspend") {
  obeySuspend();
} else if (what == "unknown-reason") {
  sched.shutdown(6);
} else {
  console.log("nothing to do");
}
