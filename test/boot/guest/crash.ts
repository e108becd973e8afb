// A guest that puts a kernel in reserve, its own image, and crashes in the way that `crash=` says; started by such a
// crash, it tells what it finds of the dead guest, and ends the domain as crashed.
//
//   how=trap | abort | recursion | vcpu | none     reserve=no: without the kernel in reserve
//   spoil=1     the crash kernel changes a byte of the dead guest's memory before it looks at it

import {
  bootModules,
  commandLineValue,
  CrashedGuest,
  evtchn,
  kexec,
  sched,
  SHUTDOWN_crash,
  systemTime,
  timer,
  Vcpu,
  VIRQ_TIMER,
  Watchdog,
} from "xenlet";
import { physical_write } from "xenlet/raw/memory";
import { registerVcpuInfo } from "xenlet/raw/shared-info";

@external("native", "spoil_vcpu") declare function spoil_vcpu(id: u32): void;

function hex(value: u64): string {
  return "0x" + value.toString(16);
}

function report(dead: CrashedGuest): void {
  const frames = dead.backtrace();
  let list = "";
  for (let i = 1; i < frames.length; i++) list += (i > 1 ? "," : "") + hex(frames[i]);
  console.log(
    "dead: " + dead.kind + ", vector " + dead.vector.toString() + ", vCPU " + dead.info.vcpu.toString(),
  );
  console.log("rip=" + hex(frames[0]) + " frames=" + list);
  if (commandLineValue("spoil") == "1") {
    const byte = memory.data<u8>([0x5a]);
    physical_write(dead.whereNow(dead.info.linear_begin + 0x2345), byte, 1);
  }
  console.log(
    "memory of " + dead.info.linear_bytes.toString() + " bytes: " + (dead.isWhole ? "whole" : "changed"),
  );
  const marks = dead.translate(MARKS);
  const text = new StaticArray<u8>(8);
  dead.readPhysical(changetype<usize>(text), marks, 8);
  console.log("marks " + String.UTF8.decodeUnsafe(changetype<usize>(text), 8));
  /* What it had taken can be obtained again. */
  console.log(
    "vcpu_info " + registerVcpuInfo().toString() + ", timer " + evtchn.bindVirq(VIRQ_TIMER).toString(),
  );
  sched.shutdown(SHUTDOWN_crash);
}

/** Bytes that the crash kernel's own copy of the image has not. */
const MARKS: usize = memory.data(8, 8);

function recurse(depth: u64): u64 {
  return depth == 0 ? 0 : recurse(depth + 1) + depth;
}

/** It calls itself, so that Binaryen does not inline it into its one caller: a backtrace is to name it. */
function crash(how: string): void {
  if (how == "nested-trap") crash("trap");
  if (how == "trap") console.log(load<u32>(0xf0000000).toString());
  if (how == "abort") throw new Error("given up");
  if (how == "recursion") console.log(recurse(1).toString());
  if (how == "vcpu") {
    const vcpu = Vcpu.start(1);
    spoil_vcpu(1);
    vcpu.yield(1);
    const end = systemTime() + 5_000_000_000;
    while (systemTime() < end) sched.yield();
  }
}

const dead = CrashedGuest.find();
if (dead) report(dead!);

if (commandLineValue("reserve", "yes") == "yes") {
  const refusal = kexec.onCrash(bootModules()[0], {
    cmdline: "spoil=" + commandLineValue("spoil", "0"),
    modules: [],
  });
  if (refusal.length > 0) throw new Error(refusal);
}
store<u64>(MARKS, 0x6b72616d6b72616d);
registerVcpuInfo();
evtchn.bindVirq(VIRQ_TIMER);
timer.set(systemTime() + 3_600_000_000_000);
Watchdog.start(3);
crash(commandLineValue("how", "none"));
Watchdog.stopAll();
