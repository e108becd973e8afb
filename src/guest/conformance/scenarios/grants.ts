// Grants. A soft reset cleans none of them: Xen only tells in its log which are still mapped by others
// (grant_table_warn_active_grants(), xen/common/grant_table.c). The commit text of 2015 lists grants among what has to be
// reset "for kexec"; the code of that series, and of every release since, leaves the table as it is: its frames, where
// they are mapped, every entry, every pin. So to the next kernel a page that another domain has mapped is not free RAM: it
// changes under the kernel's hands, and nothing but asking the other end (before the reset!) ends that.
//
// Some of it is on purpose: the entries 0 and 1, which a toolstack may have filled, are how stock daemons get at the
// console's and the store's ring, and have to outlive every kernel.
//
// dom0 maps pages that the domain has granted while the domain is shut down, holds them across the reset, and both
// sides look. No soft reset is needed for any of it to be as it is; so the control is a world that did clean up: dom0
// lets go of its mappings before, the guest takes its idle entries back, the table is somewhere else.

import {
  gnttab_query_size,
  GNTTAB_RESERVED_CONSOLE,
  GNTTAB_RESERVED_XENSTORE,
  GNTTABOP_query_size,
  GTF_permit_access,
  GTF_reading,
  GTF_readonly,
  GTF_writing,
} from "xenlet/raw/abi/grant_table";
import { HVM_PARAM_CONSOLE_PFN, HVM_PARAM_STORE_PFN } from "xenlet/raw/abi/hvm";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { hvmParam } from "xenlet/raw/hvm-param";
import { grant_table_op } from "xenlet/raw/hypercall";
import { load64, shared_alloc, store64 } from "xenlet/raw/memory";
import { GrantMapping, XenConsole } from "xenlet/raw/toolstack";
import { GrantTable } from "../grant-table";
import { DONE_BY_DOM0, SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { mapGrantFrame } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";
import { printedGrants } from "../xen-prints";

// Entries, known to both sides. dom0 maps those of the first group before the reset, and the others after it.
const WRITABLE: u32 = 8;
const READONLY: u32 = 9;
/** Until the reset is over, and then dom0 lets go of it. */
const BORROWED: u32 = 10;
/** Up to here: with the others twelve that are mapped, two more than Xen's log has lines for. */
const LAST_MAPPED: u32 = 19;
const IDLE: u32 = 20;
const LATE: u32 = 21;

/** What the guest writes, and dom0 after it, and the guest. */
const BEFORE: u64 = 0x1111111111111111;
const BY_DOM0: u64 = 0x2222222222222222;
const AFTER: u64 = 0x3333333333333333;
/** Behind both rings' structures in their pages. */
const UNUSED: usize = 4088;

function hex(value: u64): string {
  return "0x" + value.toString(16);
}

const size = changetype<gnttab_query_size>(memory.data(offsetof<gnttab_query_size>(), 8));

/** Frames that the table has. */
function tableFrames(): u32 {
  size.dom = DOMID_SELF;
  grant_table_op(GNTTABOP_query_size, changetype<usize>(size), 1);
  return size.nr_frames;
}

const GRANTS = scenario({ name: "grants", area: "Grants" });
const MAPPING_READS = GRANTS.check({
  name: "grants/mapping-reads",
  title: "dom0's mapping of a granted frame reads the next kernel's memory",
  notUnderXl: DONE_BY_DOM0,
});
const MAPPING_WRITES = GRANTS.check({
  name: "grants/mapping-writes",
  title: "dom0's mapping of a granted frame writes to the next kernel's memory",
  notUnderXl: DONE_BY_DOM0,
});
const ENTRY_IN_USE = GRANTS.check({
  name: "grants/entry-in-use",
  title: "A grant that is mapped for writing stays marked as in use",
  notUnderXl: DONE_BY_DOM0,
});
const CANNOT_BE_ENDED = GRANTS.check({
  name: "grants/cannot-be-ended",
  title: "A grant that is mapped for writing cannot be ended by the guest",
  notUnderXl: DONE_BY_DOM0,
});
const LOGGED = GRANTS.check({
  name: "grants/logged",
  title: "Xen's log names a grant that is active during the reset",
  notUnderXl: DONE_BY_DOM0,
});
const ENDS_WHEN_UNMAPPED = GRANTS.check({
  name: "grants/ends-when-unmapped",
  title: "A grant mapped before the reset can be ended once dom0 has unmapped it",
  notUnderXl: DONE_BY_DOM0,
});
const READONLY_MAPPING_READS = GRANTS.check({
  name: "grants/readonly-mapping-reads",
  title: "dom0's read-only mapping of a granted frame reads the next kernel's memory",
  notUnderXl: DONE_BY_DOM0,
});
const READONLY_ENTRY_IN_USE = GRANTS.check({
  name: "grants/readonly-entry-in-use",
  title: "A grant that is mapped read-only stays marked as in use",
  notUnderXl: DONE_BY_DOM0,
});
const READONLY_CANNOT_BE_ENDED = GRANTS.check({
  name: "grants/readonly-cannot-be-ended",
  title: "A grant that is mapped read-only cannot be ended by the guest",
  notUnderXl: DONE_BY_DOM0,
});
const LOG_COUNTS = GRANTS.check({
  name: "grants/log-counts",
  title: "Xen's log names ten active grants at most and counts the others",
  notUnderXl: DONE_BY_DOM0,
});
const UNMAPS = GRANTS.check({
  name: "grants/unmaps",
  title: "dom0 can unmap a grant that it mapped before the reset",
  notUnderXl: DONE_BY_DOM0,
});
const IDLE_ENTRY_MAPS = GRANTS.check({
  name: "grants/idle-entry-maps",
  title: "A grant that was not mapped survives the reset and can be mapped after it",
  notUnderXl: DONE_BY_DOM0,
});
const TABLE_STAYS_MAPPED = GRANTS.check({
  name: "grants/table-stays-mapped",
  title: "The grant table stays mapped: an entry that the next kernel writes there is a grant",
  notUnderXl: DONE_BY_DOM0,
});
const AS_PRINTED = GRANTS.check({
  name: "grants/as-printed",
  title: "Xen itself prints every entry that dom0 had mapped before the reset as active after it",
  notUnderXl: SEEN_FROM_DOM0,
});
const TABLE_SIZE = GRANTS.check({
  name: "grants/table-size",
  title: "The grant table keeps its size",
  notUnderXl: DONE_BY_DOM0,
});
const RESERVED_CONSOLE = GRANTS.check({
  name: "grants/reserved-console",
  title: "Grant 0, through which the console daemon maps its ring, survives the reset",
  notUnderXl: DONE_BY_DOM0,
});
const RESERVED_STORE = GRANTS.check({
  name: "grants/reserved-store",
  title: "Grant 1, through which xenstored maps its ring, survives the reset",
  notUnderXl: DONE_BY_DOM0,
});

export class Grants extends Scenario {
  private writable: GrantMapping | null = null;
  private readonly: GrantMapping | null = null;
  /** Those with nothing to be seen of but that they are there. */
  private others: Array<GrantMapping> = [];

  constructor() {
    super(GRANTS);
  }

  guest(side: GuestSide): void {
    const writable = shared_alloc(1);
    const readonly = shared_alloc(1);
    const idle = shared_alloc(1);
    const late = shared_alloc(1);
    const table = GrantTable.map();
    store64(writable, BEFORE);
    store64(readonly, BEFORE);
    store64(idle, AFTER);
    store64(late, AFTER);
    table.grantPage(WRITABLE, writable);
    table.grantPage(READONLY, readonly, true);
    for (let ref = BORROWED; ref <= LAST_MAPPED; ref++) table.grantPage(ref, shared_alloc(1));
    if (!side.control) {
      table.grantPage(IDLE, idle);
      table.grantFrame(GNTTAB_RESERVED_CONSOLE, hvmParam(HVM_PARAM_CONSOLE_PFN));
      table.grantFrame(GNTTAB_RESERVED_XENSTORE, hvmParam(HVM_PARAM_STORE_PFN));
      mapGrantFrame(2, shared_alloc(1));
    }

    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    const frames = tableFrames();
    const seen = load64(writable);
    const flagsOfWritable = table.flags(WRITABLE);
    const flagsOfReadonly = table.flags(READONLY);
    const endedWritable = table.end(WRITABLE);
    const endedReadonly = table.end(READONLY);
    store64(writable, AFTER);
    store64(readonly, AFTER);
    /* The next kernel's grant, in a table that it never mapped. */
    const nextTable = side.control ? new GrantTable(shared_alloc(1)) : table;
    nextTable.grantPage(LATE, late);

    /* dom0 looks at what was written, and lets go. */
    if (side.requestReset() != 0) throw new Error("the second soft reset was refused");
    const flagsOfBorrowed = table.flags(BORROWED);
    const endedBorrowed = table.end(BORROWED);
    side.attach();
    side.same(TABLE_SIZE, "frames that the grant table has", frames, 3);
    side.same(MAPPING_WRITES, "what dom0 wrote through its mapping, read here", seen, BY_DOM0);
    side.same(
      ENTRY_IN_USE,
      "the flags of an entry that is mapped for writing",
      flagsOfWritable,
      GTF_permit_access | GTF_reading | GTF_writing,
    );
    side.same(
      READONLY_ENTRY_IN_USE,
      "the flags of an entry that is mapped for reading",
      flagsOfReadonly,
      GTF_permit_access | GTF_readonly | GTF_reading,
    );
    side.same(CANNOT_BE_ENDED, "ending it", u64(endedWritable), 0);
    side.same(READONLY_CANNOT_BE_ENDED, "ending it", u64(endedReadonly), 0);
    side.check(
      ENDS_WHEN_UNMAPPED,
      flagsOfBorrowed == GTF_permit_access && endedBorrowed,
      "an entry that dom0 has let go of has the flags " +
        flagsOfBorrowed.toString() +
        ", and can " +
        (endedBorrowed ? "" : "not ") +
        "be ended",
    );
  }

  onSoftReset(side: ToolstackSide): bool {
    return side.resets == 1 ? this.holdAcross(side) : this.letGo(side);
  }

  private holdAcross(side: ToolstackSide): bool {
    const id = side.guest.domain.id;
    const writable = GrantMapping.map(id, WRITABLE);
    this.writable = writable;
    const readonly = GrantMapping.map(id, READONLY, true);
    this.readonly = readonly;
    for (let ref = BORROWED; ref <= LAST_MAPPED; ref++) this.others.push(GrantMapping.map(id, ref));
    if (!writable.isMapped || load64(writable.at) != BEFORE || !readonly.isMapped)
      throw new Error("dom0 could not map what the domain granted");
    if (side.control) {
      writable.unmap();
      readonly.unmap();
      /* The borrowed one stays for longer than it should. */
      for (let i = 1; i < this.others.length; i++) this.others[i].unmap();
    }
    const log = new XenConsole();
    if (side.resetPaused() != 0) return false;
    this.checkLog(side, log.read());
    if (writable.isMapped) store64(writable.at, BY_DOM0);
    side.goOn();
    return true;
  }

  private checkLog(side: ToolstackSide, log: string): void {
    const prefix = "d" + side.guest.domain.id.toString() + " has ";
    let lines = 0;
    const named: Array<string> = [];
    for (let ref = WRITABLE; ref <= LAST_MAPPED; ref++)
      if (log.includes(prefix + "active grant " + ref.toString(16) + " (")) {
        lines++;
        if (ref <= READONLY) named.push(ref.toString());
      }
    side.check(
      LOGGED,
      named.length == 2,
      "of the grants 8 and 9, Xen's log names " + (named.length == 0 ? "none" : named.join(" and ")),
    );
    const counts = log.includes(prefix + "too many (12) active grants to report");
    side.check(
      LOG_COUNTS,
      lines == 10 && counts,
      "of twelve, Xen's log names " + lines.toString() + ", and says " + (counts ? "" : "not ") + "how many",
    );
  }

  private letGo(side: ToolstackSide): bool {
    const guest = side.guest;
    side.same(AS_PRINTED, "entries that Xen prints as active", printedGrants(guest.domain), 12);
    const writable = this.writable!;
    const readonly = this.readonly!;
    const inWritable: u64 = writable.isMapped ? load64(writable.at) : 0;
    const inReadonly: u64 = readonly.isMapped ? load64(readonly.at) : 0;
    side.same(
      MAPPING_READS,
      "what the domain wrote after the reset, read by dom0's mapping",
      inWritable,
      AFTER,
    );
    side.same(READONLY_MAPPING_READS, "the same by a mapping for reading", inReadonly, AFTER);
    side.result(UNMAPS, "GNTTABOP_unmap_grant_ref's status", writable.unmap(), 0);
    if (readonly.isMapped) readonly.unmap();
    if (!side.control) this.unmapOthers();

    this.mapsNow(side, IDLE_ENTRY_MAPS, IDLE, AFTER);
    this.mapsNow(side, TABLE_STAYS_MAPPED, LATE, AFTER);
    store64(guest.console.page + UNUSED, BEFORE);
    store64(guest.storeRing + UNUSED, BY_DOM0);
    this.mapsNow(side, RESERVED_CONSOLE, GNTTAB_RESERVED_CONSOLE, BEFORE, UNUSED);
    this.mapsNow(side, RESERVED_STORE, GNTTAB_RESERVED_XENSTORE, BY_DOM0, UNUSED);
    return side.resetOrResume() == 0;
  }

  private unmapOthers(): void {
    for (let i = 0; i < this.others.length; i++) if (this.others[i].isMapped) this.others[i].unmap();
  }

  /** That entry `ref` can be mapped, and that `value` is there. */
  private mapsNow(side: ToolstackSide, name: string, ref: u32, value: u64, offset: usize = 0): void {
    const mapping = GrantMapping.map(side.guest.domain.id, ref);
    const found: u64 = mapping.isMapped ? load64(mapping.at + offset) : 0;
    side.check(
      name,
      mapping.isMapped && found == value,
      "GNTTABOP_map_grant_ref's status = " +
        mapping.status.toString() +
        (mapping.isMapped ? ", and there is " + hex(found) + ", expected " + hex(value) : ""),
    );
    if (mapping.isMapped) mapping.unmap();
  }

  toolstack(side: ToolstackSide): void {
    super.toolstack(side);
    /* A domain cannot be freed while another one has a page of it. */
    this.unmapOthers();
  }
}
