// Faults of Xen that were fixed as security advisories, and that one domain shows by itself. They are not about soft reset: they
// are here because a hypervisor that lacks one is a known-bad one, and shows that this suite detects it. What Xen has which
// fault is in the table of known faults (expectations.ts of the suite): Debian's 4.14 lacks both fixes.
//
// XSA-500: a grant that is mapped read-only is pinned, its frame is changed in the table, and a copy into it is made. Xen took the
// pinned frame and the new entry's rights: the copy landed in a frame that its owner had granted for reading only.
//
// XSA-462: an illegal vector arrives at a local APIC whose error entry has an illegal vector too. Xen's vlapic_error() took its lock
// twice, and the physical CPU stood still, and with it soon the whole machine.

import { describeResult } from "xenlet/raw/errno";
import { XENMAPSPACE_grant_table } from "xenlet/raw/abi/memory";
import { GTF_permit_access } from "xenlet/raw/abi/grant_table";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { sched, systemTime } from "xenlet";
import { grant_table_op } from "xenlet/raw/hypercall";
import { barrier, frame_of, load64, mapXenFrame, shared_alloc, store32, store64 } from "xenlet/raw/memory";
import { NEEDS_TWO_PCPUS, RACES, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { MSR_X2APIC_LVT_ERROR, MSR_X2APIC_SELF_IPI } from "../probes";
import { RemoteVcpu } from "../remote";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const PINNED_GRANT = scenario({ name: "pinned-grant", area: "Advisories", suite: "events" });
const PINNED_FRAME = PINNED_GRANT.check({
  name: "advisories/pinned-grant",
  title: "A copy into a read-only mapped grant whose entry now names another frame is refused",
  broken: "until 4.17.6 and 4.20.3: XSA-500",
});
/* Among the races: a vCPU that does not come back is seen from another one, on another physical CPU. */
const ILLEGAL_VECTOR = scenario({ name: "illegal-vector", area: "Advisories", suite: RACES, vcpus: 2 });
const LAPIC_ERROR = ILLEGAL_VECTOR.check({
  name: "races/illegal-vector",
  title:
    "An illegal vector at a local APIC whose error entry has an illegal vector does not stop its physical CPU",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken: "until 4.17.5 and 4.19.0: XSA-462",
});

/** grant_table.h. */
const GNTTABOP_map_grant_ref: u32 = 0;
const GNTTABOP_copy: u32 = 5;
const GNTMAP_host_map: u32 = 2;
const GNTMAP_readonly: u32 = 4;
const GNTCOPY_dest_gref: u16 = 2;
const REF: u32 = 20;
const OLD: u64 = 0xaaaa;
const NEW: u64 = 0xbbbb;
const COPIED: u64 = 0xcccc;

const argument: usize = memory.data(64, 8);

export class PinnedGrant extends Scenario {
  constructor() {
    super(PINNED_GRANT);
  }

  guest(side: GuestSide): void {
    const table = mapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table");
    const old = shared_alloc(1);
    const fresh = shared_alloc(1);
    const source = shared_alloc(1);
    const window = shared_alloc(1);
    store64(old, OLD);
    store64(fresh, NEW);
    store64(source, COPIED);
    const entry = table + REF * 8;
    /* To ourselves: a domain's own number is found by what it can map. */
    const self = side.ownDomid();
    store32(entry + 4, <u32>frame_of(old));
    barrier();
    store32(entry, GTF_permit_access | ((<u32>self) << 16));
    memory.fill(argument, 0, 64);
    store<u64>(argument, frame_of(window) << 12);
    store<u32>(argument + 8, GNTMAP_host_map | (side.control ? 0 : GNTMAP_readonly));
    store<u32>(argument + 12, REF);
    store<u16>(argument + 16, self);
    const mapped = grant_table_op(GNTTABOP_map_grant_ref, argument, 1);
    const mapStatus = load<i16>(argument + 18);
    /* The control's entry is as it was, and mapped for writing: a copy is right. */
    if (!side.control) store32(entry + 4, <u32>frame_of(fresh));
    memory.fill(argument, 0, 64);
    store<u64>(argument, frame_of(source));
    store<u16>(argument + 8, DOMID_SELF);
    store<u32>(argument + 16, REF);
    store<u16>(argument + 24, self);
    store<u16>(argument + 32, 8);
    store<u16>(argument + 34, GNTCOPY_dest_gref);
    store<i16>(argument + 36, 77);
    const result = grant_table_op(GNTTABOP_copy, argument, 1);
    const status = load<i16>(argument + 36);
    side.check(
      PINNED_FRAME,
      mapped == 0 && mapStatus == 0 && status != 0 && load64(window) == OLD,
      "GNTTABOP_map_grant_ref = " +
        describeResult(mapped) +
        ", status " +
        mapStatus.toString() +
        "; GNTTABOP_copy = " +
        describeResult(result) +
        ", status " +
        status.toString() +
        "; the frame that is mapped has 0x" +
        load64(window).toString(16),
    );
  }

  onSoftReset(side: ToolstackSide): bool {
    return side.softReset() == 0;
  }
}

/** ns that the other vCPU has for three turns of its loop. */
const TURNS_WITHIN: u64 = 2_000_000_000;

export class IllegalVector extends Scenario {
  constructor() {
    super(ILLEGAL_VECTOR);
  }

  guest(side: GuestSide): void {
    const vcpu = RemoteVcpu.start(1);
    vcpu.turnLapicOn();
    /* Vectors below 16 are the CPU's own. The control is a vCPU that is taken down instead. */
    vcpu.writeMsr(MSR_X2APIC_LVT_ERROR, 5);
    if (side.control) vcpu.down();
    else vcpu.beginWriteMsr(MSR_X2APIC_SELF_IPI, 5);
    const before = vcpu.turns;
    const deadline = systemTime() + TURNS_WITHIN;
    while (systemTime() < deadline && vcpu.turns < before + 3) sched.yield();
    const turns = vcpu.turns - before;
    side.check(LAPIC_ERROR, turns > 0, "turns of vCPU 1's loop since then: " + turns.toString());
  }
}
