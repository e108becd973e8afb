// What the tests of xl have a domain of type hvm do: `do=…` on its command line. It reports `fact` records.
//
//   generations   jumps into boot module 0, itself, after a soft reset, until generation `last`; in each the store, the
//                 console and what a domain hands out once
//   pirq          an interrupt of the device model's keyboard, as an event

import {
  bootModules,
  checked,
  commandLineValue,
  describeResult,
  evtchn,
  kexec,
  KexecOptions,
  record,
  sched,
  softReset,
  systemTime,
  VIRQ_TIMER,
  xen,
  xenstore,
} from "xenlet";
import { memory_op } from "xenlet/raw/hypercall";
import { needSharedInfo, registerVcpuInfo } from "xenlet/raw/shared-info";
import { bindPirq, mapPirq, pirqStatus } from "../../../src/guest/conformance/physdev";

/** Bytes from and to the PC's ports. */
@external("native", "port_in") declare function port_in(port: u32): u32;
@external("native", "port_out") declare function port_out(port: u32, value: u32): void;

const XENMEM_current_reservation: u32 = 3;
const domid: usize = memory.data<u16>([0x7ff0]);

function fact(text: string): void {
  record("fact", text);
}

function generations(): void {
  const generation = I32.parseInt(commandLineValue("generation", "0"));
  const last = commandLineValue("last", "0");
  const name = "generation-" + generation.toString();
  const before = xenstore.read("data/generation");
  const written = xenstore.write("data/generation", name);
  const read = xenstore.read("data/generation");
  fact(
    name +
      ": found=" +
      before.value +
      " write=" +
      describeResult(written) +
      " read=" +
      read.value +
      " vcpu_info=" +
      describeResult(registerVcpuInfo()) +
      " VIRQ_TIMER=" +
      describeResult(evtchn.bindVirq(VIRQ_TIMER)) +
      " pages=" +
      memory_op(XENMEM_current_reservation, domid).toString(),
  );
  console.log("console " + name);
  if (generation == I32.parseInt(last)) return;
  const options = new KexecOptions();
  options.cmdline = "do=generations last=" + last + " generation=" + (generation + 1).toString();
  options.modules = bootModules();
  const refusal = kexec.load(options.modules[0], options);
  if (refusal.length > 0) throw new Error(refusal);
  throw new Error("exec: " + describeResult(kexec.exec()) + ", " + kexec.why());
}

// The PC's keyboard controller (8042): its ports, commands and bits.
const DATA: u32 = 0x60;
const COMMAND: u32 = 0x64;
const WRITE_MODE: u32 = 0x60;
const WRITE_OUTPUT: u32 = 0xd2;
const MODE_INTERRUPT: u32 = 1;
const STATUS_FULL: u32 = 1;
const KEYBOARD_IRQ: i32 = 1;

/** Has the device model raise the keyboard's interrupt, and lower it: the line's edge. */
function press(): void {
  port_out(COMMAND, WRITE_MODE);
  port_out(DATA, MODE_INTERRUPT);
  port_out(COMMAND, WRITE_OUTPUT);
  port_out(DATA, 0x1e);
  sched.poll([], systemTime() + 100_000_000);
  for (let i = 0; i < 16 && port_in(COMMAND) & STATUS_FULL; i++) port_in(DATA);
}

/** Whether the interrupt comes by that port. */
function comes(port: i64): string {
  if (port > 0) evtchn.clear(<u32>port);
  press();
  return port > 0 && evtchn.isPending(<u32>port) ? "yes" : "no";
}

function pirq(): void {
  needSharedInfo(); // Xen maps no pirq before the kernel has an event upcall: -EINVAL
  const pirq = checked("PHYSDEVOP_map_pirq", mapPirq(KEYBOARD_IRQ));
  const port = checked("EVTCHNOP_bind_pirq", bindPirq(pirq));
  fact("before: comes=" + comes(port));
  // Its control: what a kernel finds that was given no reset.
  fact("no-reset: known=" + pirqStatus(pirq).toString() + " bind=" + bindPirq(pirq).toString());
  checked("prepare", softReset.prepare());
  checked("request", softReset.request());
  xen.attach();
  const again = bindPirq(pirq);
  fact("reset: known=" + pirqStatus(pirq).toString() + " bind=" + (again == port).toString());
  fact("bound: comes=" + comes(again));
  fact("mapped: map=" + (mapPirq(KEYBOARD_IRQ, <i32>pirq) == pirq).toString() + " comes=" + comes(again));
}

if (commandLineValue("do") == "generations") generations();
else pirq();
