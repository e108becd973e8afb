// Pins its vCPU to CPU 1 and then to CPU 0, and says what Xen says.

import { describeResult, sched } from "xenlet";

for (let pcpu = 1; pcpu >= 0; pcpu--) {
  console.log("pin to CPU " + pcpu.toString() + ": " + describeResult(sched.pinOverride(pcpu)));
}
