// Pairs about the grant table: its version, which decides what its frames hold and whether there are status frames, against what
// looks at an entry or maps a frame of the table meanwhile.

import { evtchn } from "xenlet";
import { GTF_permit_access } from "xenlet/raw/abi/grant_table";
import {
  xen_add_to_physmap,
  xen_remove_from_physmap,
  XENMAPSPACE_grant_table,
  XENMEM_add_to_physmap,
  XENMEM_remove_from_physmap,
} from "xenlet/raw/abi/memory";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { EAGAIN, EBUSY, EINVAL, ENOENT } from "xenlet/raw/errno";
import { frame_of, shared_alloc } from "xenlet/raw/memory";
import { NEEDS_TWO_PCPUS, RACES, RACE_MS, RACE_VCPUS, scenario } from "../declare";
import { mapGrantFrame, unmapPage } from "../raw";
import { Pair } from "../races/pair";
import { Race, RaceStep, Side } from "../races/race";

const AREA = "Races about grants";

const VERSION_STATUS = scenario({
  name: "races-version-status",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const VERSION_STATUS_WHOLE = VERSION_STATUS.check({
  name: "races/version-status",
  title:
    "GNTTABOP_set_version, which gives and takes status frames, and XENMEM_add_to_physmap of one leave Xen and the domain whole when they meet",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken:
    "4.14 crashes the domain, as all did before XSA-486 was mended (4.17.7, 4.20.4); XSA-379 and 384 before (4.14.3)",
});
const VERSION_FRAMES = scenario({
  name: "races-version-frames",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const VERSION_FRAMES_WHOLE = VERSION_FRAMES.check({
  name: "races/version-frames",
  title:
    "GNTTABOP_set_version and XENMEM_add_to_physmap of a frame of the grant table leave Xen and the domain whole when they meet",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const VERSION_COPY = scenario({
  name: "races-version-copy",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const VERSION_COPY_WHOLE = VERSION_COPY.check({
  name: "races/version-copy",
  title: "GNTTABOP_set_version and GNTTABOP_copy of a grant leave Xen and the domain whole when they meet",
  notUnderXl: NEEDS_TWO_PCPUS,
});

/* grant_table.h */
const GNTTABOP_copy: u32 = 5;
const GNTTABOP_set_version: u32 = 8;
const GNTCOPY_source_gref: u16 = 1;
const GNTST_general_error: i64 = -1;
const GNTST_bad_gntref: i64 = -3;
/** Of XENMAPSPACE_grant_table's index: a status frame. */
const XENMAPIDX_grant_table_status: u64 = 0x80000000;

/** The reference that is used: far from what a set_version keeps, and within the first frame in either version. */
const REF: u32 = 20;

function setVersion(side: Side, version: u32): RaceStep {
  const argument = side.argument(8);
  store<u32>(argument, version);
  return side
    .grants("GNTTABOP_set_version(" + version.toString() + ")", GNTTABOP_set_version, argument)
    .works()
    .may(-EBUSY, "a grant or a status frame is mapped")
    .may(-EAGAIN, "an operation on version 2 is going on");
}

function bothVersions(side: Side): void {
  setVersion(side, 2);
  setVersion(side, 1);
}

/** Frame `index` of the table at `gfn`, and away again. */
function mapAndUnmapFrame(side: Side, what: string, index: u64, gfn: u64): void {
  const add = side.argument(<u32>offsetof<xen_add_to_physmap>());
  const a = changetype<xen_add_to_physmap>(add);
  a.domid = DOMID_SELF;
  a.space = XENMAPSPACE_grant_table;
  a.idx = index;
  a.gpfn = gfn;
  side
    .memory("XENMEM_add_to_physmap of a " + what, XENMEM_add_to_physmap, add)
    .works()
    .may(-EINVAL, "version 1 has no status frames");
  const remove = side.argument(<u32>offsetof<xen_remove_from_physmap>());
  changetype<xen_remove_from_physmap>(remove).domid = DOMID_SELF;
  changetype<xen_remove_from_physmap>(remove).gpfn = gfn;
  side
    .memory("XENMEM_remove_from_physmap", XENMEM_remove_from_physmap, remove)
    .works()
    .may(-ENOENT, "nothing is there");
}

/** A pair that leaves a table of version 1 with no frame of it mapped. */
abstract class GrantPair extends Pair {
  /** Where a frame of the table was mapped: a hole afterwards. */
  protected hole: usize = 0;

  whole(race: Race): void {
    if (this.hole == 0) return;
    const removed = unmapPage(this.hole);
    if (removed != -ENOENT && removed != 0)
      race.expect("XENMEM_remove_from_physmap, afterwards", removed, -ENOENT);
    race.expect("XENMEM_remove_from_physmap of a hole", unmapPage(this.hole), -ENOENT);
  }
}

export class VersionStatus extends GrantPair {
  constructor() {
    super(VERSION_STATUS, VERSION_STATUS_WHOLE);
  }

  build(race: Race): void {
    this.hole = shared_alloc(1);
    bothVersions(race.left);
    mapAndUnmapFrame(race.right, "status frame", XENMAPIDX_grant_table_status, frame_of(this.hole));
  }
}

export class VersionFrames extends GrantPair {
  constructor() {
    super(VERSION_FRAMES, VERSION_FRAMES_WHOLE);
  }

  build(race: Race): void {
    this.hole = shared_alloc(1);
    bothVersions(race.left);
    mapAndUnmapFrame(race.right, "grant frame", 0, frame_of(this.hole));
  }
}

/** This domain's number, which no hypercall tells it: a port that it offers itself does. */
function ownDomid(): u16 {
  const port = <u32>evtchn.allocUnbound(DOMID_SELF);
  const domid = evtchn.status(port).domain;
  evtchn.close(port);
  return domid;
}

/** Writes the entry for REF as either version has it, so that whichever is in use finds it. */
function writeEntry(side: Side, table: usize, domid: u16, gfn: u64): void {
  const head = ((<u64>domid) << 16) | GTF_permit_access;
  side.program.store(table + REF * 8, head | (gfn << 32));
  side.program.store(table + REF * 16, head);
  side.program.store(table + REF * 16 + 8, gfn);
}

export class VersionCopy extends GrantPair {
  constructor() {
    super(VERSION_COPY, VERSION_COPY_WHOLE);
  }

  build(race: Race): void {
    const table = shared_alloc(1);
    const granted = shared_alloc(1);
    const to = shared_alloc(1);
    race.expect("XENMEM_add_to_physmap of the grant table", mapGrantFrame(0, table), 0);
    const domid = ownDomid();
    bothVersions(race.left);
    const side = race.right;
    writeEntry(side, table, domid, frame_of(granted));
    /* struct gnttab_copy: source {u, domid, offset}, dest the same, len, flags, status */
    const copy = side.argument(40);
    store<u32>(copy, REF);
    store<u16>(copy + 8, domid);
    store<u64>(copy + 16, frame_of(to));
    store<u16>(copy + 24, DOMID_SELF);
    store<u16>(copy + 32, 64);
    store<u16>(copy + 34, GNTCOPY_source_gref);
    side
      .grants("GNTTABOP_copy", GNTTABOP_copy, copy, 36)
      .works()
      .may(GNTST_general_error, "the entry is not there, or no more")
      .may(GNTST_bad_gntref, "the entry is not there, or no more");
  }
}
