// The story that `make demo` tells: a kernel takes what a domain gives out once, cannot have it twice, puts itself in
// order, asks for the soft reset and jumps into the next kernel, which has everything as new; that one crashes, and a
// kernel in reserve tells of it. All three are this program; boot module 0 is its image:
//
//   xenlet build examples/kexec.ts -o kexec.elf
//   xenlet run kexec.elf --module kexec.elf
//
// A line that begins with a space belongs to the one before it. `reset=no` on the command line leaves the soft reset out:
// the next kernel then stumbles.

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
import { registerVcpuInfo } from "xenlet/raw/shared-info";

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
  return describeResult(result) + ": it is given out already";
}

/** What a domain gives out once; the sum of the refusals, 0 if there are none. */
function setUp(): i64 {
  const vcpuInfo = registerVcpuInfo();
  step(" VCPUOP_register_vcpu_info = " + (vcpuInfo < 0 ? refused(vcpuInfo) : "0"));
  const port = evtchn.bindVirq(VIRQ_TIMER);
  step(" EVTCHNOP_bind_virq(VIRQ_TIMER) = " + (port < 0 ? refused(port) : "port " + port.toString()));
  return min<i64>(vcpuInfo, 0) + min<i64>(port, 0);
}

function useScheduler(): void {
  step("it sleeps in Xen, and is woken by an event that it sends itself");
  step(" SCHEDOP_yield = " + describeResult(sched.yield()));
  const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
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
  const sign =
    event == StepEvent.DONE ? "in order: " : event == StepEvent.FAILED ? "REFUSED: " : "taken back: ";
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
  step("first kernel: it takes what a domain gives out once");
  if (setUp() != 0) process.exit(1);
  useScheduler();
  step("it asks a second time, as a next kernel would");
  setUp();
  step("it loads the next kernel, and leaves a timer and a watchdog behind");
  checked("VCPUOP_set_singleshot_timer", timer.set(systemTime() + 3_600_000 * MILLISECOND));
  Watchdog.start(3600);
  const image = bootModules()[0];
  const refusal = kexec.load(image, next("kernel=second since=" + systemTime().toString()));
  if (refusal.length > 0) throw new Error(refusal);
  step(
    " a PVH image of " + image.size.toString() + " bytes: headers, note, segments, entry, room: all checked",
  );
  step("it prepares: what a soft reset does not clean is put in order, each step with its way back");
  if (kexec.prepare(tell, reset) != 0) {
    step("not prepared: " + kexec.why());
    process.exit(1);
  }
  step(reset ? "SCHEDOP_shutdown(SHUTDOWN_soft_reset)" : "NO soft reset: it jumps as it is");
  const result = kexec.exec(reset);
  step("refused: " + kexec.why() + " = " + describeResult(result));
  process.exit(1);
}

function secondKernel(): void {
  const since = U64.parseInt(commandLineValue("since", "0"));
  const now = systemTime();
  step("second kernel: it asks for the same");
  step(
    now < since
      ? " its clock stands still: Xen writes the time where the first kernel wanted it"
      : " it is here " + milliseconds(now - since) + " after the first one was done",
  );
  if (setUp() != 0) {
    step("it STUMBLES: this domain is not as new, and the kernel gives up");
    process.exit(1);
  }
  step("everything is as new. It puts a kernel in reserve, and reads from a wrong address");
  const refusal = kexec.onCrash(bootModules()[0], next("kernel=reserve"));
  if (refusal.length > 0) throw new Error(refusal);
  step(" at that address is " + load<u32>(WRONG_ADDRESS).toString());
}

function reserve(dead: CrashedGuest): void {
  const frames = dead.backtrace();
  let list = "";
  for (let i = 0; i < frames.length; i++) list += " " + hex(frames[i]);
  step("kernel in reserve: what does it find of the dead one?");
  step(" a trap: " + dead.kind + " at " + hex(dead.info.address));
  step(" its stack:" + list);
  step(
    " its memory: " +
      dead.info.linear_bytes.toString() +
      " bytes, checksum " +
      hex(dead.checksum()) +
      (dead.isWhole ? ", as it was" : ", CHANGED"),
  );
  const expected = dead.isWhole && dead.kind == "out-of-bounds" && dead.info.address == WRONG_ADDRESS;
  step(expected ? "SCHEDOP_shutdown(SHUTDOWN_crash)" : "that is NOT how it died");
  sched.shutdown(expected ? SHUTDOWN_crash : SHUTDOWN_reboot);
}

const dead = CrashedGuest.find();
if (dead) reserve(dead!);
if (commandLineValue("kernel") == "second") secondKernel();
else firstKernel();
