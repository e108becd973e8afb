// What `make demo` runs. The first kernel claims the domain's one-time resources, fails to claim them twice, prepares, asks
// for a soft reset and jumps into a second kernel, which finds a clean domain. That one crashes on purpose, and a crash
// kernel inspects it. All three are this program; boot module 0 is its image:
//
//   xenlet build examples/kexec.ts -o kexec.elf
//   xenlet run kexec.elf --module kexec.elf
//
// A line that begins with a space belongs to the line before it. `reset=no` on the command line leaves out the soft reset,
// and the second kernel then fails.

import {
  bootModules,
  checked,
  commandLineValue,
  CrashedGuest,
  describeResult,
  evtchn,
  kexec,
  KexecOptions,
  PollWake,
  sched,
  SHUTDOWN_crash,
  SHUTDOWN_reboot,
  Step,
  step,
  StepEvent,
  systemTime,
  timer,
  VIRQ_TIMER,
  Watchdog,
} from "xenlet";
import { frame_of } from "xenlet/raw/memory";
import { registerVcpuInfo, sharedInfo } from "xenlet/raw/shared-info";

const MILLISECOND: u64 = 1_000_000;
const WRONG_ADDRESS: usize = 0xf0000000;
const reset = commandLineValue("reset", "yes") == "yes";

function milliseconds(ns: u64): string {
  return (<f64>(ns / 1000) / 1000).toString() + " ms";
}

function hex(value: u64): string {
  return "0x" + value.toString(16);
}

function refused(result: i64): string {
  return describeResult(result) + " (already registered)";
}

/** Xen shares a page with the domain, at a frame that the kernel chooses: it can be moved, and claimed again. */
function mapSharedInfo(): void {
  step(" XENMEM_add_to_physmap(XENMAPSPACE_shared_info) = frame " + hex(frame_of(sharedInfo())));
}

/** Claims what a domain gives out only once; returns the sum of the errors, 0 if there are none. */
function setUp(): i64 {
  const vcpuInfo = registerVcpuInfo();
  step(" VCPUOP_register_vcpu_info = " + (vcpuInfo < 0 ? refused(vcpuInfo) : "0"));
  const port = evtchn.bindVirq(VIRQ_TIMER);
  step(" EVTCHNOP_bind_virq(VIRQ_TIMER) = " + (port < 0 ? refused(port) : "port " + port.toString()));
  return min<i64>(vcpuInfo, 0) + min<i64>(port, 0);
}

function useScheduler(): void {
  step("sleeps in Xen until woken by an event that it sends to itself");
  step(" SCHEDOP_yield = " + describeResult(sched.yield()));
  const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
  step(" EVTCHNOP_bind_ipi = port " + port.toString());
  evtchn.send(port);
  const woken = sched.poll([port]) == PollWake.EVENT;
  step(" SCHEDOP_poll on port " + port.toString() + (woken ? ": woken by its event" : ": NOT woken"));
  evtchn.clear(port);
  evtchn.unmask(port);
  const start = systemTime();
  evtchn.send(port);
  checked("SCHEDOP_block", sched.block());
  step(
    " SCHEDOP_block: woken by port " +
      evtchn.scan().toString() +
      " after " +
      milliseconds(systemTime() - start),
  );
}

function tell(prepared: Step, event: StepEvent): void {
  const detail = prepared.detail.length > 0 ? " (" + prepared.detail + ")" : "";
  const sign = event == StepEvent.DONE ? "quiesced: " : event == StepEvent.FAILED ? "FAILED: " : "undone: ";
  step(" " + sign + prepared.name + detail);
}

function next(cmdline: string): KexecOptions {
  const options = new KexecOptions();
  options.cmdline = cmdline + (reset ? "" : " reset=no");
  options.modules = bootModules();
  return options;
}

function firstKernel(): void {
  if (bootModules().length == 0)
    throw new Error("there is no boot module 0: expected this guest's own image, by --module");
  step("first kernel: claims the domain's one-time resources");
  mapSharedInfo();
  if (setUp() != 0) process.exit(1);
  useScheduler();
  step("second attempt, as a kexec'ed kernel would make without a reset");
  setUp();
  step("loads the next kernel, with a timer and a watchdog still running");
  checked("VCPUOP_set_singleshot_timer", timer.set(systemTime() + 3_600_000 * MILLISECOND));
  Watchdog.start(3600);
  const image = bootModules()[0];
  const refusal = kexec.load(image, next("kernel=second since=" + systemTime().toString()));
  if (refusal.length > 0) throw new Error(refusal);
  step(
    " a PVH image of " + image.size.toString() + " bytes: headers, note, segments, entry and space checked",
  );
  step("prepares the state that soft reset does not clean; each step can be undone");
  if (kexec.prepare(tell, reset) != 0) {
    step("preparation failed: " + kexec.why());
    process.exit(1);
  }
  step(reset ? "SCHEDOP_shutdown(SHUTDOWN_soft_reset)" : "no soft reset: jumps with Xen's state as it is");
  const result = kexec.exec(reset);
  step("refused: " + kexec.why() + " = " + describeResult(result));
  process.exit(1);
}

function secondKernel(): void {
  const since = U64.parseInt(commandLineValue("since", "0"));
  const now = systemTime();
  step("second kernel: claims the same resources");
  step(
    now < since
      ? " its clock stands still: Xen writes the time to the first kernel's vcpu_info"
      : " entered " + milliseconds(now - since) + " after the first kernel finished",
  );
  mapSharedInfo();
  if (setUp() != 0) {
    step("FAILS: the domain still has the first kernel's state, and the second one gives up");
    process.exit(1);
  }
  step("clean domain. Loads a crash kernel, then faults on purpose");
  const refusal = kexec.onCrash(bootModules()[0], next("kernel=crash"));
  if (refusal.length > 0) throw new Error(refusal);
  step(" at that address: " + load<u32>(WRONG_ADDRESS).toString());
}

function crashKernel(dead: CrashedGuest): void {
  const frames = dead.backtrace();
  let list = "";
  for (let i = 0; i < frames.length; i++) list += " " + hex(frames[i]);
  step("crash kernel: inspecting the crashed guest");
  step(" trap: " + dead.kind + " at " + hex(dead.info.address));
  step(" stack:" + list);
  step(
    " memory: " +
      dead.info.linear_bytes.toString() +
      " bytes, checksum " +
      hex(dead.checksum()) +
      (dead.isWhole ? ", unchanged" : ", CHANGED"),
  );
  const expected = dead.isWhole && dead.kind == "out-of-bounds" && dead.info.address == WRONG_ADDRESS;
  step(expected ? "SCHEDOP_shutdown(SHUTDOWN_crash)" : "NOT the crash that was expected");
  sched.shutdown(expected ? SHUTDOWN_crash : SHUTDOWN_reboot);
}

const dead = CrashedGuest.find();
if (dead) crashKernel(dead!);
if (commandLineValue("kernel") == "second") secondKernel();
else firstKernel();
