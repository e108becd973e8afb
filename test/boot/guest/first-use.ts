// Says what is set up of shared_info: at first, and after each thing that may have changed it. `flood=1`: after more lines
// than the console's ring holds as well.

import { checked, commandLineValue, evtchn, sched, softReset, systemTime, xen } from "xenlet";
import { runsOn } from "xenlet/test";
import { HVM_PARAM_CALLBACK_IRQ } from "xenlet/raw/abi/hvm";
import { hvmParam } from "xenlet/raw/hvm-param";

@external("native", "shared_info_mapped") declare function shared_info_mapped(): u32;
@external("native", "interrupts_are_on") declare function interrupts_are_on(): u32;

function say(when: string): void {
  /* Before the line, which may wait. */
  const mapped = shared_info_mapped() != 0;
  const upcall = hvmParam(HVM_PARAM_CALLBACK_IRQ) != 0;
  const interrupts = interrupts_are_on() != 0;
  console.log(
    when +
      (mapped ? ": mapped" : ": not mapped") +
      (upcall ? ", upcall" : ", no upcall") +
      (interrupts ? ", interrupts on" : ", interrupts off"),
  );
}

function reset(): void {
  checked("SCHEDOP_shutdown(SHUTDOWN_soft_reset)", softReset.request());
  xen.attach();
}

function event(): void {
  const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
  checked("EVTCHNOP_unmask", evtchn.unmask(port));
  checked("EVTCHNOP_send", evtchn.send(port));
  sched.block();
  if (evtchn.scan() != port) throw new Error("the event did not come");
}

const isDomU = runsOn("domu");

say("at first");
if (isDomU) {
  reset();
  say("reset, never used");
}
if (commandLineValue("flood") == "1") {
  for (let line = 0; line < 100; line++)
    console.log("a line of some fifty characters, number " + line.toString());
  say("console full");
  if (isDomU) {
    reset();
    say("reset, never used but by the console");
  }
}
if (systemTime() == 0) throw new Error("no clock");
say("a clock was read");
event();
if (isDomU) {
  reset();
  say("reset, used");
  event();
  if (systemTime() == 0) throw new Error("no clock after the reset");
}
