// Two vCPUs at once inside Xen: one gives the FIFO event channel ABI its memory and takes it back, the other gives it more.
// vCPU 0 only looks on: vCPUs 1 and 2 run lists of hypercalls on their own, and count the answers.
//
//     xenlet run --vcpus 3 examples/race.ts
//
// Debian's Xen 4.14 panics within seconds (--xen 4.14): it is XSA-505, which 4.17.7 and 4.20.4 are without.

import { describeResult, DOMID_SELF, sched, systemTime, Vcpu, VcpuBarrier, VcpuProgram } from "xenlet";
import {
  evtchn_expand_array,
  evtchn_init_control,
  evtchn_reset,
  EVTCHNOP_expand_array,
  EVTCHNOP_init_control,
  EVTCHNOP_reset,
} from "xenlet/raw/abi/event_channel";
import { __HYPERVISOR_event_channel_op as EVENT_CHANNEL_OP } from "xenlet/raw/abi/xen";
import { frame_of, shared_alloc } from "xenlet/raw/memory";

// Each program is a list of steps. What a hypercall's argument points to lives as long as the program.
const one = new VcpuProgram();
const init = one.argument(<u32>offsetof<evtchn_init_control>());
changetype<evtchn_init_control>(init).control_gfn = frame_of(shared_alloc(1));
const reset = one.argument(<u32>offsetof<evtchn_reset>());
changetype<evtchn_reset>(reset).dom = DOMID_SELF;
one.call(EVENT_CHANNEL_OP, EVTCHNOP_init_control, init);
one.call(EVENT_CHANNEL_OP, EVTCHNOP_reset, reset);

const two = new VcpuProgram();
const expand = two.argument(<u32>offsetof<evtchn_expand_array>());
changetype<evtchn_expand_array>(expand).array_gfn = frame_of(shared_alloc(1));
// A moment of another length before each call: so they meet at every point of their ways.
two.call(EVENT_CHANNEL_OP, EVTCHNOP_expand_array, expand).after(0, 2_000);

// Both begin when both are ready, and run until they are stopped. Each looks whether the other is in Xen meanwhile.
const start = new VcpuBarrier(2);
one.startAt(start).watch(two).setRounds(u64.MAX_VALUE);
two.startAt(start).watch(one).setRounds(u64.MAX_VALUE);

const first = Vcpu.start(1);
const second = Vcpu.start(2);
first.run(one);
second.run(two);
sched.poll([], systemTime() + 5_000_000_000);
first.stop();
second.stop();

function report(program: VcpuProgram, index: i32, what: string): void {
  const step = program.step(index);
  let text =
    what + ": " + step.done.toString() + " calls, during " + step.met.toString() + " the other made one;";
  const answers = step.answers();
  for (let i = 0; i < answers.length; i++)
    text += " " + answers[i].count.toString() + " × " + describeResult(answers[i].value);
  console.log(text);
}
report(one, 0, "EVTCHNOP_init_control");
report(one, 1, "EVTCHNOP_reset");
report(two, 0, "EVTCHNOP_expand_array");
