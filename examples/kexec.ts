// The story of a soft reset: a kernel takes what a domain gives out once, cannot have it twice, puts itself in order,
// asks for the reset and jumps into the next kernel, which has everything as new; that one crashes, and a kernel in
// reserve tells of it. All three are this program; boot module 0 is its image.
//
// `reset=no` on the command line leaves the soft reset out: the next kernel then stumbles.

import {
  CrashedGuest,
  KexecOptions,
  PollWake,
  SHUTDOWN_crash,
  Step,
  StepEvent,
  VIRQ_TIMER,
  Watchdog,
  bootModules,
  checked,
  commandLineValue,
  describeResult,
  evtchn,
  kexec,
  sched,
  step,
  systemTime,
  timer,
} from "xenlet";
import { registerVcpuInfo } from "xenlet/vcpu_info";

const MILLISECOND: u64 = 1_000_000;
const reset = commandLineValue("reset", "yes") == "yes";

function milliseconds(ns: u64): string {
  return (<f64>(ns / 1000) / 1000).toString() + " ms";
}

function hex(value: u64): string {
  return "0x" + value.toString(16);
}

/** What a domain gives out once; the sum of the refusals, 0 if there are none. */
function setUp(): i64 {
  const vcpuInfo = registerVcpuInfo();
  step("  VCPUOP_register_vcpu_info = " + describeResult(vcpuInfo));
  const port = evtchn.bindVirq(VIRQ_TIMER);
  step("  EVTCHNOP_bind_virq(VIRQ_TIMER) = " + (port < 0 ? describeResult(port) : "port " + port.toString()));
  return min<i64>(vcpuInfo, 0) + min<i64>(port, 0);
}

function useScheduler(): void {
  step("SCHEDOP_yield = " + describeResult(sched.yield()));
  const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
  evtchn.send(port);
  const woken = sched.poll([port]) == PollWake.EVENT;
  step("SCHEDOP_poll on port " + port.toString() + (woken ? ": woken by its event" : ": NOT woken"));
  evtchn.clear(port);
  evtchn.unmask(port);
  evtchn.send(port);
  checked("SCHEDOP_block", sched.block());
  step("SCHEDOP_block: woken by port " + evtchn.scan().toString());
}

function tell(prepared: Step, event: StepEvent): void {
  const detail = prepared.detail.length > 0 ? " (" + prepared.detail + ")" : "";
  const sign =
    event == StepEvent.DONE ? "in order: " : event == StepEvent.FAILED ? "REFUSED: " : "taken back: ";
  step("  " + sign + prepared.name + detail);
}

function next(cmdline: string): KexecOptions {
  const options = new KexecOptions();
  options.cmdline = cmdline + (reset ? "" : " reset=no");
  options.modules = bootModules();
  return options;
}

function firstKernel(): void {
  step("first kernel: a new domain gives out, once");
  if (setUp() != 0) process.exit(1);
  useScheduler();
  step("a second time, as a next kernel would ask");
  setUp();
  checked("VCPUOP_set_singleshot_timer", timer.set(systemTime() + 3_600_000 * MILLISECOND));
  Watchdog.start(3600);
  const refusal = kexec.load(bootModules()[0], next("kernel=second since=" + systemTime().toString()));
  if (refusal.length > 0) throw new Error(refusal);
  step("the next kernel is loaded and checked; preparing");
  if (kexec.prepare(tell, reset) != 0) {
    step("not prepared: " + kexec.why());
    process.exit(1);
  }
  step(
    reset ? "SCHEDOP_shutdown(SHUTDOWN_soft_reset), and behind it the jump" : "the jump, and NO soft reset",
  );
  const result = kexec.exec(reset);
  step("refused: " + kexec.why() + " = " + describeResult(result));
  process.exit(1);
}

function secondKernel(): void {
  const since = U64.parseInt(commandLineValue("since", "0"));
  step(
    "second kernel: here " +
      milliseconds(systemTime() - since) +
      " after the first one was done; it asks for",
  );
  const refused = setUp();
  if (refused != 0) {
    step("it STUMBLES: this domain is not as new");
    process.exit(1);
  }
  step("everything as new. A kernel is put in reserve, and then an address is wrong");
  const refusal = kexec.onCrash(bootModules()[0], next("kernel=reserve"));
  if (refusal.length > 0) throw new Error(refusal);
  step("  at that address is " + load<u32>(0xf0000000).toString());
}

function reserve(dead: CrashedGuest): void {
  const frames = dead.backtrace();
  let list = "";
  for (let i = 0; i < frames.length; i++) list += " " + hex(frames[i]);
  step("kernel in reserve: the dead one had a trap, " + dead.kind + " at " + hex(dead.info.address));
  step("  its stack:" + list);
  step(
    "  its memory: " +
      dead.info.linear_bytes.toString() +
      " bytes, checksum " +
      hex(dead.checksum()) +
      (dead.isWhole ? ", as it was" : ", CHANGED"),
  );
  step("SCHEDOP_shutdown(SHUTDOWN_crash)");
  sched.shutdown(SHUTDOWN_crash);
}

const dead = CrashedGuest.find();
if (dead) reserve(dead!);
if (commandLineValue("kernel") == "second") secondKernel();
else firstKernel();
