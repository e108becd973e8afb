// vcpu_info. A kernel moves a vCPU's struct vcpu_info out of shared_info once; a second time is refused, since Xen has a
// page of the domain mapped for it. A soft reset unmaps it (vcpu_info_reset(), xen/common/domain.c): Xen writes to
// the old kernel's page no more, the structure is in shared_info again, and the next kernel may register its own.
// Before the 2015 change this was where a kexec ended: -EINVAL, and from 4.18 on -EBUSY.

import { describeResult, evtchn, Vcpu } from "xenlet";
import { VCPUOP_down } from "xenlet/raw/abi/vcpu";
import { VCPU_INFO_EVTCHN_PENDING_SEL, VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { interrupts_off, interrupts_on } from "xenlet/raw/cpu";
import { vcpu_op } from "xenlet/raw/hypercall";
import { load8, shared_alloc, store64, store8 } from "xenlet/raw/memory";
import { sharedInfo, useVcpuInfo } from "xenlet/raw/shared-info";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { registerVcpuInfoAt } from "../raw";
import { Scenario } from "../scenario";

const FIRST_OFFSET: u32 = 5 * 64;
const SECOND_OFFSET: u32 = 4096 - 64;

function clear(info: usize): void {
  store64(info + VCPU_INFO_EVTCHN_PENDING_SEL, 0);
  store8(info + VCPU_INFO_EVTCHN_UPCALL_PENDING, 0);
}

const VCPU_INFO = scenario({ name: "vcpu-info", area: "vcpu_info" });
const REGISTERED_AGAIN = VCPU_INFO.check({
  name: "vcpu-info/registered-again",
  title: "vcpu_info, registered before the reset, can be registered again",
});
const REGISTERED_ELSEWHERE = VCPU_INFO.check({
  name: "vcpu-info/registered-elsewhere",
  title: "vcpu_info can be registered in another page after the reset",
});
const DELIVERS_THERE = VCPU_INFO.check({
  name: "vcpu-info/delivers-there",
  title: "Events are signalled in the vcpu_info registered after the reset",
});
const OLD_PAGE_LEFT_ALONE = VCPU_INFO.check({
  name: "vcpu-info/old-page-left-alone",
  title: "Xen no longer writes to the vcpu_info registered before the reset",
});
const IN_SHARED_INFO_AGAIN = VCPU_INFO.check({
  name: "vcpu-info/in-shared-info-again",
  title: "vcpu_info is in shared_info after the reset until it is registered again",
});

export class VcpuInfo extends Scenario {
  constructor() {
    super(VCPU_INFO);
  }

  guest(side: GuestSide): void {
    /* Not at the begin of its page, and the last that fits. */
    const firstPage = shared_alloc(1);
    const secondPage = shared_alloc(1);
    const first = firstPage + FIRST_OFFSET;
    const second = secondPage + SECOND_OFFSET;
    interrupts_off();
    if (registerVcpuInfoAt(0, firstPage, FIRST_OFFSET) != 0)
      throw new Error("VCPUOP_register_vcpu_info refused at first");
    useVcpuInfo(first);
    interrupts_on();

    side.reset();

    /* With interrupts off nothing clears the flag. */
    interrupts_off();
    clear(first);
    clear(sharedInfo());
    const port = <u32>evtchn.bindIpi();
    evtchn.unmask(port);
    evtchn.send(port);
    const old = load8(first + VCPU_INFO_EVTCHN_UPCALL_PENDING);
    const current = load8(sharedInfo() + VCPU_INFO_EVTCHN_UPCALL_PENDING);
    const again = registerVcpuInfoAt(0, firstPage, FIRST_OFFSET);
    useVcpuInfo(first);
    interrupts_on();
    side.same(OLD_PAGE_LEFT_ALONE, "evtchn_upcall_pending in the old kernel's page, after an event", old, 0);
    side.same(IN_SHARED_INFO_AGAIN, "evtchn_upcall_pending in shared_info, after an event", current, 1);
    const text = "VCPUOP_register_vcpu_info, again = " + describeResult(again);
    if (side.control)
      side.observed(REGISTERED_AGAIN, "vcpu-info-again:" + again.toString(), again == 0, text);
    else side.result(REGISTERED_AGAIN, "VCPUOP_register_vcpu_info, again", again, 0);

    side.reset();

    interrupts_off();
    const elsewhere = registerVcpuInfoAt(0, secondPage, SECOND_OFFSET);
    if (elsewhere == 0) useVcpuInfo(second);
    interrupts_on();
    side.result(REGISTERED_ELSEWHERE, "VCPUOP_register_vcpu_info of another page", elsewhere, 0);
    clear(second);
    interrupts_off();
    const events = <u32>evtchn.bindIpi();
    evtchn.unmask(events);
    evtchn.send(events);
    const delivered = load8(second + VCPU_INFO_EVTCHN_UPCALL_PENDING);
    interrupts_on();
    side.same(DELIVERS_THERE, "evtchn_upcall_pending in the new page, after an event", delivered, 1);
  }
}

const VCPU_INFO_OF_OTHERS = scenario({ name: "vcpu-info-of-others", area: "vcpu_info", vcpus: 2 });
const OTHER_VCPU = VCPU_INFO_OF_OTHERS.check({
  name: "vcpu-info/other-vcpu",
  title: "Another vCPU's vcpu_info can be registered again; some versions require that vCPU to be down",
});

/** The reset cleans every vCPU. Whether one that runs may then register is another question, which Xen answers differently since 4.18. */
export class VcpuInfoOfOthers extends Scenario {
  constructor() {
    super(VCPU_INFO_OF_OTHERS);
  }

  guest(side: GuestSide): void {
    const page = shared_alloc(1);
    if (registerVcpuInfoAt(1, page) != 0)
      throw new Error("VCPUOP_register_vcpu_info of vCPU 1 refused at first");
    Vcpu.start(1);

    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    const running = registerVcpuInfoAt(1, page);
    vcpu_op(VCPUOP_down, 1, 0);
    const down = registerVcpuInfoAt(1, page);
    side.attach();
    const ok = running == 0 || down == 0;
    const text =
      "VCPUOP_register_vcpu_info of vCPU 1 = " +
      describeResult(running) +
      " while it runs, then " +
      describeResult(down) +
      " while it is down";
    const seen = "vcpu-info-of-others:" + running.toString() + "/" + down.toString();
    if (side.control) side.check(OTHER_VCPU, ok, text);
    else side.observed(OTHER_VCPU, seen, ok, text);
  }
}
