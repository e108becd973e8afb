// Timers and the upcall vector of another vCPU. What stays-dirty*.ts shows of vCPU 0 holds of each: a soft reset stops no timer,
// and takes no vector back. A kernel that prepares its own vCPU and forgets the others gets their VIRQ_TIMERs.
//
// In the control nothing is armed.

import { checked, evtchn, sched, systemTime } from "xenlet";
import { HVMOP_set_evtchn_upcall_vector, xen_hvm_evtchn_upcall_vector } from "xenlet/raw/abi/hvm";
import { sched_poll, SCHEDOP_poll } from "xenlet/raw/abi/sched";
import {
  RUNSTATE_blocked,
  RUNSTATE_INFO_SIZE,
  RUNSTATE_INFO_STATE,
  vcpu_set_periodic_timer,
  vcpu_set_singleshot_timer,
  VCPUOP_get_runstate_info,
  VCPUOP_set_periodic_timer,
  VCPUOP_set_singleshot_timer,
  VCPUOP_stop_periodic_timer,
} from "xenlet/raw/abi/vcpu";
import { __HYPERVISOR_sched_op, __HYPERVISOR_vcpu_op, VIRQ_TIMER } from "xenlet/raw/abi/xen";
import { hvm_op, vcpu_op } from "xenlet/raw/hypercall";
import { load32 } from "xenlet/raw/memory";
import { OVER_BEFORE_XL_RESETS, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { MSR_X2APIC_IRR } from "../probes";
import { RemoteVcpu } from "../remote";
import { Dirty } from "./stays-dirty";

const OTHER_VCPUS_TIMERS = scenario({
  name: "other-vcpus-timers",
  area: "Other vCPUs",
  vcpus: 2,
  costMs: 2000,
});
const SINGLESHOT = OTHER_VCPUS_TIMERS.check({
  name: "other-vcpus/singleshot-timer",
  title: "A singleshot timer that another vCPU set before the reset fires in the next kernel",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});
const PERIODIC = OTHER_VCPUS_TIMERS.check({
  name: "other-vcpus/periodic-timer",
  title: "A periodic timer that another vCPU set before the reset keeps firing in the next kernel",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});
const POLL = OTHER_VCPUS_TIMERS.check({
  name: "other-vcpus/poll-timer",
  title: "The timer of another vCPU's SCHEDOP_poll that an event ended wakes a later poll",
  notUnderXl: OVER_BEFORE_XL_RESETS,
});
const VECTOR = OTHER_VCPUS_TIMERS.check({
  name: "other-vcpus/upcall-vector",
  title: "An upcall vector of another vCPU's local APIC stays in force",
});

const MS: u64 = 1_000_000;
const AHEAD: u64 = 60 * MS;
const FAR_AHEAD: u64 = 1000 * MS;
const OTHER: u32 = 1;
const NO_PORTS: StaticArray<u32> = [];
const UPCALL_VECTOR: u32 = 0x61;

// The other vCPU's own arguments.
const singleshot = changetype<vcpu_set_singleshot_timer>(
  memory.data(offsetof<vcpu_set_singleshot_timer>(), 8),
);
const periodic = changetype<vcpu_set_periodic_timer>(memory.data(offsetof<vcpu_set_periodic_timer>(), 8));
const poll = changetype<sched_poll>(memory.data(offsetof<sched_poll>(), 8));
const polled: usize = memory.data(4, 4);
const runstate: usize = memory.data(<i32>RUNSTATE_INFO_SIZE, 8);
const vector = changetype<xen_hvm_evtchn_upcall_vector>(
  memory.data(offsetof<xen_hvm_evtchn_upcall_vector>(), 4),
);

function comes(port: u32, deadline: u64): bool {
  const ports: StaticArray<u32> = [port];
  while (!evtchn.isPending(port) && systemTime() < deadline) sched.poll(ports, deadline);
  return evtchn.isPending(port);
}

function bindTimer(): u32 {
  return <u32>checked("EVTCHNOP_bind_virq(VIRQ_TIMER)", evtchn.bindVirq(VIRQ_TIMER, OTHER));
}

export class OtherVcpusTimers extends Dirty {
  constructor() {
    super(OTHER_VCPUS_TIMERS);
  }

  guest(side: GuestSide): void {
    const vcpu = RemoteVcpu.start(OTHER);
    this.upcallVector(side, vcpu);
    this.once(side, vcpu);
    this.often(side, vcpu);
    this.polls(side, vcpu);
  }

  private once(side: GuestSide, vcpu: RemoteVcpu): void {
    for (let ahead = AHEAD; ; ahead *= 4) {
      const deadline = systemTime() + ahead;
      singleshot.timeout_abs_ns = deadline;
      singleshot.flags = 0;
      if (!side.control)
        checked(
          "VCPUOP_set_singleshot_timer",
          vcpu.hypercall(
            __HYPERVISOR_vcpu_op,
            VCPUOP_set_singleshot_timer,
            OTHER,
            changetype<usize>(singleshot),
          ),
        );
      side.reset();
      const port = bindTimer();
      if (systemTime() + MS >= deadline && ahead < FAR_AHEAD) continue;
      const came = comes(port, deadline + 50 * MS);
      side.check(
        SINGLESHOT,
        came,
        "vCPU 1's singleshot timer of before raises VIRQ_TIMER: " + (came ? "yes" : "no"),
      );
      return;
    }
  }

  private often(side: GuestSide, vcpu: RemoteVcpu): void {
    periodic.period_ns = 10 * MS;
    if (!side.control)
      checked(
        "VCPUOP_set_periodic_timer",
        vcpu_op(VCPUOP_set_periodic_timer, OTHER, changetype<usize>(periodic)),
      );
    side.reset();
    const port = bindTimer();
    let count = 0;
    for (let sleeps = 0; sleeps < 20 && count < 3; sleeps++) {
      vcpu.turn(1);
      comes(port, systemTime() + 12 * MS);
      if (evtchn.clear(port)) count++;
    }
    vcpu_op(VCPUOP_stop_periodic_timer, OTHER, 0);
    evtchn.close(port);
    side.check(
      PERIODIC,
      count == 3,
      "of three ticks of vCPU 1's periodic timer of before, " + count.toString() + " came",
    );
  }

  private sleep(vcpu: RemoteVcpu, port: u32, deadline: u64): void {
    store<u32>(polled, port);
    poll.ports = polled;
    poll.nr_ports = 1;
    poll.timeout = deadline;
    vcpu.beginHypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, changetype<usize>(poll));
  }

  private isBlocked(): bool {
    vcpu_op(VCPUOP_get_runstate_info, OTHER, runstate);
    return load32(runstate + RUNSTATE_INFO_STATE) == RUNSTATE_blocked;
  }

  /** A poll that an event ends leaves its timer; the next kernel's poll has none of its own. */
  private polls(side: GuestSide, vcpu: RemoteVcpu): void {
    let byItself = false;
    for (let tries = 0; tries < 6 && !byItself; tries++) {
      const end = systemTime() + (AHEAD << min(tries, 3));
      const ends = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi(OTHER));
      this.sleep(vcpu, ends, side.control ? end + 3600_000 * MS : end);
      while (!vcpu.isIdle && !this.isBlocked()) sched.yield();
      evtchn.send(ends);
      while (!vcpu.isIdle) sched.yield();
      side.reset();
      const never = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi(OTHER));
      const inTime = systemTime() + 5 * MS < end;
      this.sleep(vcpu, never, 0);
      while (!vcpu.isIdle && !this.isBlocked()) sched.yield();
      const until = end + 2 * AHEAD;
      while (!vcpu.isIdle && systemTime() < until) sched.poll(NO_PORTS, until);
      byItself = vcpu.isIdle && inTime;
      evtchn.send(never);
      while (!vcpu.isIdle) sched.yield();
      if (inTime && side.control) break;
    }
    side.check(
      POLL,
      byItself,
      "vCPU 1's SCHEDOP_poll without a deadline ended " + (byItself ? "by itself" : "with an event"),
    );
  }

  private upcallVector(side: GuestSide, vcpu: RemoteVcpu): void {
    vcpu.turnLapicOn();
    vector.vcpu = OTHER;
    vector.vector = <u8>UPCALL_VECTOR;
    if (!side.control)
      checked(
        "HVMOP_set_evtchn_upcall_vector",
        hvm_op(HVMOP_set_evtchn_upcall_vector, changetype<usize>(vector)),
      );
    side.reset();
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi(OTHER));
    checked("EVTCHNOP_unmask", evtchn.unmask(port));
    evtchn.send(port);
    vcpu.turn(1);
    const requested = (vcpu.readMsr(MSR_X2APIC_IRR + UPCALL_VECTOR / 32) >> (UPCALL_VECTOR % 32)) & 1;
    side.same(VECTOR, "the old vector in vCPU 1's local APIC, after an event", requested, 1);
  }
}
