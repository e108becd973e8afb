// Sleeps and is woken by the singleshot timer, over and over, with upcalls by vector=callback or vector=lapic; with
// `then=callback` it continues as the next kernel would that knows nothing of the local APIC: turns it off, and
// sets the callback vector again. Or `then=own`: that kernel sets an upcall vector of its own.

import { checked, commandLineValue, evtchn, sched, systemTime, timer, VIRQ_TIMER } from "xenlet";
import {
  HVM_PARAM_CALLBACK_IRQ,
  HVM_PARAM_CALLBACK_TYPE_VECTOR,
  HVMOP_set_evtchn_upcall_vector,
  HVMOP_set_param,
  xen_hvm_evtchn_upcall_vector,
  xen_hvm_param,
} from "xenlet/raw/abi/hvm";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { describeResult } from "xenlet/raw/errno";
import { hvm_op } from "xenlet/raw/hypercall";
import { upcall_vector, useUpcallVector } from "xenlet/raw/shared-info";

@external("native", "lapic_off") declare function lapic_off(): void;

const argument: usize = memory.data(16, 8);
const port = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
checked("EVTCHNOP_unmask", evtchn.unmask(port));

function setVector(vcpu: u32, vector: u8): i64 {
  const vectorOf = changetype<xen_hvm_evtchn_upcall_vector>(argument);
  vectorOf.vcpu = vcpu;
  vectorOf.vector = vector;
  return hvm_op(HVMOP_set_evtchn_upcall_vector, argument);
}

function setCallback(): void {
  const param = changetype<xen_hvm_param>(argument);
  param.domid = DOMID_SELF;
  param.index = HVM_PARAM_CALLBACK_IRQ;
  param.value = (HVM_PARAM_CALLBACK_TYPE_VECTOR << 56) | upcall_vector();
  checked("HVMOP_set_param", hvm_op(HVMOP_set_param, argument));
}

function sleep(rounds: i32): void {
  let woken = 0;
  for (let round = 0; round < rounds; round++) {
    timer.set(systemTime() + <u64>(round % 400) * 500);
    let found: u32 = 0;
    while ((found = evtchn.scan()) == 0) sched.block();
    if (found == port) woken++;
  }
  console.log("woken " + woken.toString());
}

if (commandLineValue("vector") == "lapic") {
  console.log("0x0f: " + describeResult(setVector(0, 0x0f)));
  console.log("vCPU 9: " + describeResult(setVector(9, 0x30)));
  checked("HVMOP_set_evtchn_upcall_vector", useUpcallVector());
  console.log("0: " + describeResult(setVector(0, 0)));
}
sleep(1000);

const then = commandLineValue("then");
if (then == "callback") {
  lapic_off();
  setCallback();
  // Past events are seen: the vCPU runs. It is the wake-up from sleep that is missing.
  timer.set(systemTime() + 1_000_000);
  while (evtchn.scan() == 0) {}
  console.log("running, it sees its event");
  sleep(400);
} else if (then == "own") {
  lapic_off();
  setCallback();
  checked("HVMOP_set_evtchn_upcall_vector", useUpcallVector());
  sleep(400);
}
