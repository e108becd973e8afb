// One generation of a guest that jumps into the next one: itself once more, or boot module 1.
//
//   last=N      generations to come; the last one ends with code 0
//   reset=no    leave the soft reset out
//   then=1      the last jump is into boot module 1, with module 2 and what follows
//   cmdline=…   for that one, `+` for a space
//   quiet=1     say nothing, but at the first and the last generation
//
// Each sets up what only a domain that is as new can: the numbers are told, and are the same in each generation.

import {
  bootModules,
  commandLineValue,
  describeResult,
  evtchn,
  kexec,
  KexecOptions,
  systemTime,
  Vcpu,
  VcpuStart,
  VIRQ_TIMER,
} from "xenlet";
import { grant } from "xenlet/grant";
import { memory_op } from "xenlet/raw/hypercall";
import { registerVcpuInfo } from "xenlet/raw/shared-info";

const XENMEM_current_reservation: u32 = 3;
const domid: usize = memory.data<u16>([0x7ff0]);

const generation = I32.parseInt(commandLineValue("generation", "0"));
const last = I32.parseInt(commandLineValue("last", "1"));
const reset = commandLineValue("reset", "yes") == "yes";
const then = commandLineValue("then") == "1";
const quiet = commandLineValue("quiet") == "1";

/** Interfaces that a domain hands out once, and the domain's size. */
function say(): void {
  const vcpuInfo = registerVcpuInfo();
  const timer = evtchn.bindVirq(VIRQ_TIMER);
  const other = evtchn.allocUnbound(0);
  grant.access(0, 0x100);
  console.log(
    "generation " +
      generation.toString() +
      ": vcpu_info " +
      describeResult(vcpuInfo) +
      ", VIRQ_TIMER " +
      describeResult(timer) +
      ", next port " +
      describeResult(other) +
      ", pages " +
      memory_op(XENMEM_current_reservation, domid).toString(),
  );
}

function useVcpus(): void {
  const count = I32.parseInt(commandLineValue("vcpus", "1"));
  for (let id = 1; id < count; id++) {
    const vcpu = Vcpu.start(id, id % 2 == 0 ? VcpuStart.HYPERCALL : VcpuStart.INIT_SIPI);
    vcpu.yield(3);
    console.log("vCPU " + id.toString() + (vcpu.wait() ? " runs" : " does not run"));
  }
}

const first = generation == 0;
if (!quiet || first || generation == last) say();
useVcpus();
if (generation == last && !then) process.exit(0);

const options = new KexecOptions();
const modules = bootModules();
const image = generation == last ? modules[1] : modules[0];
if (generation == last) {
  options.cmdline = commandLineValue("cmdline").replaceAll("+", " ");
  options.modules = modules.slice(2);
  options.records = commandLineValue("records", "yes") == "yes";
} else {
  options.cmdline = "generation=" + (generation + 1).toString();
  const keep = ["last", "reset", "then", "vcpus", "cmdline", "records", "started", "quiet"];
  for (let i = 0; i < keep.length; i++) {
    const value = commandLineValue(keep[i]);
    if (value.length > 0) options.cmdline += " " + keep[i] + "=" + value;
  }
  if (first) options.cmdline += " started=" + systemTime().toString();
  options.modules = modules;
  options.quiet = quiet;
}
const refusal = kexec.load(image, options);
if (refusal.length > 0) throw new Error(refusal);
console.log("exec: " + describeResult(kexec.exec(reset)) + ", " + kexec.why());
process.exit(1);
