// kexec and soft reset as exports, for the tests beside this file: a guest that uses every part of the runtime with
// state in Xen, then lets go of it.

import {
  KexecOptions,
  PhysicalBytes,
  Step,
  StepEvent,
  VIRQ_TIMER,
  Vcpu,
  Watchdog,
  bootModules,
  checked,
  evtchn,
  kexec,
  sched,
  softReset,
  systemTime,
  timer,
  xen,
} from "xenlet";
import { grant } from "xenlet/grant";
import { XEN_HVM_MEMMAP_TYPE_RAM } from "xenlet/raw/abi/start_info";
import { PvhElf } from "xenlet/internal/kexec/elf";
import { MemoryMapEntry } from "xenlet/internal/kexec/memory-map";
import { handledPorts } from "xenlet/internal/loop/event-handlers";
import { RunstateArea } from "xenlet/runstate";

let port: u32 = 0;
let grantRef: i32 = 0;

/** Watchdog 2 alone, both timers, a runstate area, a grant, vCPU 1, a bound and unmasked port. */
export function useEverything(): void {
  port = <u32>checked("bind_virq", evtchn.bindVirq(VIRQ_TIMER));
  checked("unmask", evtchn.unmask(port));
  checked("set", timer.set(systemTime() + 60_000_000_000));
  checked("every", timer.every(2_000_000));
  const first = Watchdog.start(100)!;
  Watchdog.start(200);
  first.stop();
  RunstateArea.start();
  grantRef = grant.access(5, 0x123);
  Vcpu.start(1);
}

export function port_(): u32 {
  return port;
}

export function grantRef_(): i32 {
  return grantRef;
}

export function armedWatchdogs(): i32 {
  return Watchdog.armed().length;
}

export function vcpuIsUp(): i64 {
  return Vcpu.start(1).isUp;
}

function observe(step: Step, event: StepEvent): void {
  console.log((event == StepEvent.DONE ? "+" : event == StepEvent.FAILED ? "!" : "-") + step.name);
}

export function prepareReset(): i64 {
  return softReset.prepare(observe);
}

export function undo(): void {
  softReset.undo();
}

export function request(): i64 {
  return softReset.request();
}

export function attach(): void {
  xen.attach();
}

export function now(): u64 {
  return systemTime();
}

export function latch(reason: u32): void {
  sched.shutdownCode(reason);
}

export function scan(): u32 {
  return evtchn.scan();
}

export function bindTimer(): i64 {
  return evtchn.bindVirq(VIRQ_TIMER);
}

export function onPort(): void {
  evtchn.on(<u32>evtchn.bindIpi(), 0, (context: i32, port: u32) => {});
}

export function handlers(): i32 {
  return handledPorts();
}

/** Loads boot module `index`, with modules from `modules` on and `pad` letters of command line; says why not. */
export function load(index: i32, modules: i32, pad: i32): void {
  const options = new KexecOptions();
  options.cmdline = "hello " + "x".repeat(pad);
  options.modules = bootModules().slice(modules);
  console.log(kexec.load(bootModules()[index], options));
}

/** With a MiB of RAM at 1 GiB that this kernel's own map does not have. */
export function loadMoreMemory(index: i32): void {
  const more = new MemoryMapEntry(1 << 30, 1 << 20, XEN_HVM_MEMMAP_TYPE_RAM);
  console.log(kexec.load(bootModules()[index], { moreMemory: [more] }));
}

export function loadCmdline(index: i32, records: bool): void {
  console.log(kexec.load(bootModules()[index], { cmdline: "hello", modules: [], records }));
}

/** Loads what lies at physical `paddr`. */
export function loadAt(paddr: u64, size: u64): void {
  console.log(kexec.load(new PhysicalBytes(paddr, size), { cmdline: "a\0b" }));
}

/** What the reader of images makes of the bytes at physical `paddr`: the entry, or that they are refused. */
export function answer(paddr: u64, size: u64): void {
  const elf = new PvhElf(new PhysicalBytes(paddr, size));
  console.log(elf.read() ? "refused" : elf.entry.toString());
}

/** An image in linear memory, `size` bytes of it copied there from module `index`. */
export function loadFromMemory(index: i32): void {
  const module = bootModules()[index];
  const bytes = new StaticArray<u8>(<i32>module.size);
  module.read(0, changetype<usize>(bytes), <u32>module.size);
  console.log(kexec.load(PhysicalBytes.of(bytes)));
}

export function onCrash(index: i32, mib: u32): void {
  console.log(kexec.onCrash(bootModules()[index], new KexecOptions(), mib));
}

export function unload(): void {
  kexec.unload();
}

export function prepare(): i64 {
  return kexec.prepare(observe);
}

export function exec(reset: bool): i64 {
  return kexec.exec(reset);
}

export function why(): void {
  console.log(kexec.why());
}
