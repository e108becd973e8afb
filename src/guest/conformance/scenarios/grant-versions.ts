// The version of the grant table. A guest chooses it (GNTTABOP_set_version), and a soft reset does not: the next kernel finds the
// old one's, and has to ask before it writes an entry. Linux takes its first answer for the truth (gnttab_request_version()), and
// would write entries of version 1 into a table of version 2. While another domain has an entry mapped, the version cannot be
// changed at all: -EBUSY, across the reset as well.
//
// A toolstack says up to which version a domain may go: 2 is libxl's default.
//
// In the control the old kernel never switched, and nothing is mapped by another domain.

import { describeResult } from "xenlet";
import { GTF_permit_access } from "xenlet/raw/abi/grant_table";
import { XENMAPSPACE_grant_table } from "xenlet/raw/abi/memory";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { interrupts_off } from "xenlet/raw/cpu";
import { grant_table_op } from "xenlet/raw/hypercall";
import { barrier, frame_of, load64, mapXenFrame, shared_alloc, store32, store64 } from "xenlet/raw/memory";
import { GrantMapping } from "xenlet/raw/toolstack";
import { DomainConfig } from "xenlet/toolstack";
import { DONE_BY_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const GRANT_VERSIONS = scenario({ name: "grant-versions", area: "Grants" });
const VERSION_STAYS = GRANT_VERSIONS.check({
  name: "grants/version-stays",
  title: "A grant table of version 2 stays of version 2",
});
const VERSION_BUSY = GRANT_VERSIONS.check({
  name: "grants/version-busy",
  title:
    "Changing the grant table's version after the reset is refused with -EBUSY while dom0 has an entry mapped",
  notUnderXl: DONE_BY_DOM0,
});
const V2_MAPPING = GRANT_VERSIONS.check({
  name: "grants/version-2-mapping",
  title: "dom0's mapping by an entry of version 2 reads the next kernel's memory",
  notUnderXl: DONE_BY_DOM0,
});
const VERSION_BACK = GRANT_VERSIONS.check({
  name: "grants/version-back",
  title: "The next kernel can set the grant table back to version 1 once nothing is mapped",
  notUnderXl: DONE_BY_DOM0,
});

/** grant_table.h. */
const GNTTABOP_set_version: u32 = 8;
const GNTTABOP_get_version: u32 = 10;
/** union grant_entry_v2: flags and domid, then at 8 the frame; status frames are apart. */
const ENTRY_V2_SIZE: usize = 16;
const REF: u32 = 12;
const BEFORE: u64 = 0x1111;
const AFTER: u64 = 0x2222;

const argument: usize = memory.data(16, 8);

/** The version, or Xen's errno. */
function version(): i64 {
  memory.fill(argument, 0, 16);
  store<u16>(argument, DOMID_SELF);
  const result = grant_table_op(GNTTABOP_get_version, argument, 1);
  return result < 0 ? result : load<u32>(argument + 4);
}

function setVersion(to: u32): i64 {
  store<u32>(argument, to);
  return grant_table_op(GNTTABOP_set_version, argument, 1);
}

export class GrantVersions extends Scenario {
  private mapping: GrantMapping | null = null;

  constructor() {
    super(GRANT_VERSIONS);
  }

  get controlIsReset(): bool {
    return true;
  }

  configure(config: DomainConfig): void {
    config.kind.grantVersion = 2;
  }

  guest(side: GuestSide): void {
    const granted = shared_alloc(1);
    const table = mapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table");
    store64(granted, BEFORE);
    if (!side.control) {
      const set = setVersion(2);
      if (set != 0) throw new Error("GNTTABOP_set_version(2) = " + describeResult(set));
      store64(table + REF * ENTRY_V2_SIZE + 8, frame_of(granted));
      barrier();
      store32(table + REF * ENTRY_V2_SIZE, GTF_permit_access);
    }
    interrupts_off();
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    const stays = version();
    const busy = setVersion(1);
    store64(granted, AFTER);
    /* dom0 looks, and lets go. */
    side.requestReset();
    /* In the control a version that there is not. */
    const back = setVersion(side.control ? 3 : 1);
    side.attach();
    side.same(VERSION_STAYS, "GNTTABOP_get_version after the reset", stays, 2);
    side.result(VERSION_BUSY, "GNTTABOP_set_version(1), with an entry mapped", busy, -16);
    side.result(VERSION_BACK, "GNTTABOP_set_version(1), with nothing mapped", back, 0);
  }

  onSoftReset(side: ToolstackSide): bool {
    if (side.resets == 1) {
      if (!side.control) this.mapping = GrantMapping.map(side.guest.domain.id, REF);
      return side.softReset() == 0;
    }
    const mapping = this.mapping;
    const seen: u64 = mapping && mapping.isMapped ? load64(mapping.at) : 0;
    side.same(V2_MAPPING, "what the domain wrote after the reset, read by dom0's mapping", seen, AFTER);
    if (mapping && mapping.isMapped) mapping.unmap();
    return side.softReset() == 0;
  }
}
