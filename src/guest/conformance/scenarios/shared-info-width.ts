// A 32-bit kernel. Xen keeps for each domain how wide shared_info's words are (has_32bit_shinfo), by the mode in which the kernel
// set its callback or its hypercall page (hvm_latch_shinfo_size(), xen/arch/x86/hvm/hvm.c). A soft reset leaves it: a next kernel of
// the other width has to set its callback before it looks for an event, and a Xen that set it back would send a
// kernel that relies on it its events where it does not look.
//
// The width shows in where Xen leaves evtchn_pending_sel: its offset, and the bit for a port. The 32-bit caller is a code
// segment of this kernel whose L bit is clear; its request for the reset is granted like any other.
//
// In the control the width is latched the other way round, and the reset is left out.

import { checked, describeResult, evtchn } from "xenlet";
import { HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, xen_hvm_param } from "xenlet/raw/abi/hvm";
import { SCHEDOP_shutdown, SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import {
  DOMID_SELF,
  SHARED_INFO_EVTCHN_MASK,
  VCPU_INFO_EVTCHN_PENDING_SEL,
  __HYPERVISOR_hvm_op,
  __HYPERVISOR_sched_op,
} from "xenlet/raw/abi/xen";
import { interrupts_off } from "xenlet/raw/cpu";
import { hvmParam } from "xenlet/raw/hvm-param";
import { hvm_op } from "xenlet/raw/hypercall";
import { frame_of, load32, load64, store64 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { compat_hypercall } from "../probes";
import { bindIpi, mapSharedInfo } from "../raw";
import { Scenario } from "../scenario";

const OWN_CALL = "the request is a call of the scenario's own, which a control under xl cannot leave out";

const WIDTH = scenario({ name: "shared-info-width", area: "Limits and modes" });
const WIDTH_64 = WIDTH.check({
  name: "limits/shared-info-64-bit",
  title: "shared_info's 64-bit layout, latched by the old kernel, stays",
  notUnderXl: OWN_CALL,
});
const WIDTH_32 = WIDTH.check({
  name: "limits/shared-info-32-bit",
  title: "shared_info's 32-bit layout, latched by the old kernel, stays",
  notUnderXl: OWN_CALL,
});
const REQUEST_32 = WIDTH.check({
  name: "limits/request-32-bit",
  title: "A soft reset requested by a 32-bit hypercall is performed, and the call returns 0",
  notUnderXl: OWN_CALL,
});

/** The vcpu_info of a 32-bit domain (struct vcpu_info of arch-x86/xen-x86_32.h) has it here. */
const PENDING_SEL_32: usize = 4;
/** Of the first word for both widths: then the bit would be the same. */
const PORT: u32 = 100;

const param = changetype<xen_hvm_param>(memory.data(offsetof<xen_hvm_param>(), 8));
const reason: usize = memory.data(8, 8);

/** Sets the callback to what it is, from 32-bit or from 64-bit code. Xen's number. */
function latch(wide: bool): i64 {
  param.domid = DOMID_SELF;
  param.index = HVM_PARAM_CALLBACK_IRQ;
  param.value = hvmParam(HVM_PARAM_CALLBACK_IRQ);
  const argument = changetype<usize>(param);
  if (wide) return hvm_op(HVMOP_set_param, argument);
  return compat_hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, <u32>argument);
}

/** How wide Xen takes shared_info to be, by an event of a port of its own: 64, 32, or 0 where it signals none. */
function width(page: usize): u32 {
  let port: i64 = 0;
  while (port >= 0 && port < <i64>PORT) port = bindIpi(0);
  if (port < 0) return 0;
  store64(page, 0);
  store64(page + VCPU_INFO_EVTCHN_PENDING_SEL, 0);
  /* The mask of a 64-bit domain, and in front of it that of a 32-bit one. */
  for (let i: usize = SHARED_INFO_EVTCHN_MASK - 384; i < SHARED_INFO_EVTCHN_MASK + 128; i += 8)
    store64(page + i, 0);
  evtchn.send(<u32>port);
  const bit64: u64 = (<u64>1) << (<u64>PORT / 64);
  const bit32: u32 = 1 << (PORT / 32);
  if (load64(page + VCPU_INFO_EVTCHN_PENDING_SEL) == bit64) return 64;
  return load32(page + PENDING_SEL_32) == bit32 ? 32 : 0;
}

export class SharedInfoWidth extends Scenario {
  constructor() {
    super(WIDTH);
  }

  /** Asks by a 32-bit call. */
  private requestReset32(): i64 {
    store<u32>(reason, SHUTDOWN_soft_reset);
    return compat_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, <u32>reason);
  }

  guest(side: GuestSide): void {
    const page = sharedInfo();
    const place = frame_of(page);
    const bound = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    interrupts_off();
    const latched64 = latch(!side.control);
    let result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    mapSharedInfo(place);
    const width64 = width(page);

    const latched32 = latch(side.control);
    result = this.requestReset32();
    const closed = evtchn.status(bound);
    mapSharedInfo(place);
    const width32 = width(page);
    side.attach();
    side.check(
      WIDTH_64,
      latched64 == 0 && width64 == 64,
      "shared_info's words have " + width64.toString() + " bits after the reset",
    );
    side.check(
      WIDTH_32,
      latched32 == 0 && width32 == 32,
      "shared_info's words have " + width32.toString() + " bits after the reset",
    );
    side.check(
      REQUEST_32,
      result == 0 && closed.state == 0,
      "a 32-bit SCHEDOP_shutdown(SHUTDOWN_soft_reset) = " +
        describeResult(result) +
        "; a port of before it is in state " +
        closed.state.toString(),
    );
  }
}
