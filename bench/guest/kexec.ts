// A soft reset, and a soft reset with a jump into the next kernel, many times over, by Xen's clock, which runs on. Boot
// module 0 is this program's image; generations=N says how many. Each generation receives what those before measured.

import {
  bootModules,
  checked,
  commandLineValue,
  describeResult,
  kexec,
  measure,
  softReset,
  systemTime,
  xen,
} from "xenlet";
import { memory_op } from "xenlet/raw/hypercall";

const XENMEM_current_reservation: u32 = 3;
const domid: usize = memory.data<u16>([0x7ff0]);
/** How many make a figure for the begin and for the end. */
const SAMPLE: u64 = 100;

function word(key: string): u64 {
  return U64.parseInt(commandLineValue(key, "0"));
}

function resets(): f64 {
  const start = systemTime();
  for (let i: u64 = 0; i < SAMPLE; i++) {
    checked("prepare", softReset.prepare());
    checked("request", softReset.request());
    xen.attach();
  }
  return <f64>(systemTime() - start) / <f64>SAMPLE;
}

function pages(): i64 {
  return memory_op(XENMEM_current_reservation, domid);
}

const generation = word("generation");
const last = word("generations");
if (generation == 0) measure("reset", resets(), "ns");
const now =
  generation == 0 || generation == SAMPLE || generation == last - SAMPLE || generation == last
    ? systemTime()
    : 0;
const start = generation == 0 ? now : word("start");
const early = generation == SAMPLE ? now : word("early");
const late = generation == last - SAMPLE ? now : word("late");
const had = generation == 0 ? <u64>pages() : word("pages");

if (generation == last) {
  measure("cycle", <f64>(now - start) / <f64>last, "ns");
  measure("cycle-early", <f64>(early - start) / <f64>SAMPLE, "ns");
  measure("cycle-late", <f64>(now - late) / <f64>SAMPLE, "ns");
  measure("pages-lost", <f64>had - <f64>pages(), "pages");
  process.exit(0);
}
const modules = bootModules();
const refusal = kexec.load(modules[0], {
  cmdline:
    "generation=" +
    (generation + 1).toString() +
    " generations=" +
    last.toString() +
    " start=" +
    start.toString() +
    " early=" +
    early.toString() +
    " late=" +
    late.toString() +
    " pages=" +
    had.toString(),
  modules,
  quiet: true,
});
if (refusal.length > 0) throw new Error(refusal);
throw new Error(kexec.why() + " = " + describeResult(kexec.exec()));
