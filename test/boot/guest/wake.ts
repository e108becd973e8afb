// Blocks and is woken by the singleshot timer, over and over, the timer aimed at the moment of going to sleep.
// `block=raw` on the command line uses the bare hypercall without the restartable sequence around it, and waits for 5 µs
// before it: between the last look and the sleep is some way in any code, and that it is short is no help on a long run.

import {
  SCHEDOP_block,
  VIRQ_TIMER,
  checked,
  commandLineValue,
  evtchn,
  sched,
  systemTime,
  timer,
} from "xenlet";
import { sched_op } from "xenlet/raw/hypercall";

const raw = commandLineValue("block") == "raw";
const rounds = i32.parse(commandLineValue("rounds", "2000"));
const port = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
checked("EVTCHNOP_unmask", evtchn.unmask(port));

let woken = 0;
for (let round = 0; round < rounds; round++) {
  // From "already past" to "well asleep", in steps finer than the way from the timer's call to the sleep.
  checked("VCPUOP_set_singleshot_timer", timer.set(systemTime() + <u64>(round % 400) * 250));
  let found: u32 = 0;
  while ((found = evtchn.scan()) == 0) {
    if (raw) {
      const until = systemTime() + 5_000;
      while (systemTime() < until);
      sched_op(SCHEDOP_block, 0);
    } else {
      sched.block();
    }
  }
  if (found == port) woken++;
}
console.log("woken " + woken.toString());
