// Pairs about the grant table: its version, which decides what its frames hold and whether there are status frames, against what
// looks at an entry or maps a frame of the table meanwhile.

import { SHUTDOWN_suspend, evtchn, sched } from "xenlet";
import { grant } from "xenlet/grant";
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
import { grant_table_op } from "xenlet/raw/hypercall";
import { frame_of, load64, shared_alloc, store64 } from "xenlet/raw/memory";
import { freePages, mapFrame, unmapFrame } from "xenlet/raw/toolstack";
import { NEEDS_TWO_PCPUS, RACES, RACE_MS, RACE_VCPUS, scenario } from "../declare";
import { mapGrantFrame, unmapPage } from "../raw";
import { GuestSide } from "../guest-side";
import { Elsewhere, runWatched, sideToWatch } from "../races/elsewhere";
import { Outcome, Pair, RACE_WITHIN, raceMs } from "../races/pair";
import { MapAndUnmap } from "../races/grant-mapping";
import { Race, RaceStep, Side } from "../races/race";
import { ToolstackSide } from "../toolstack-side";

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
    "GNTTABOP_set_version, which gives and takes status frames, and XENMEM_add_to_physmap of one leave Xen and the domain intact when they run concurrently",
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
    "GNTTABOP_set_version and XENMEM_add_to_physmap of a frame of the grant table leave Xen and the domain intact when they run concurrently",
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
  title:
    "GNTTABOP_set_version and GNTTABOP_copy of a grant leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});

const VERSION_TRANSITIVE = scenario({
  name: "races-version-transitive",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const VERSION_TRANSITIVE_WHOLE = VERSION_TRANSITIVE.check({
  name: "races/version-transitive",
  title:
    "GNTTABOP_set_version returns -EAGAIN while a GNTTABOP_copy of a transitive grant uses the other domain's table",
  notUnderXl: NEEDS_TWO_PCPUS,
  broken: "until 4.17.6 and 4.20.3: XSA-501",
});

const VERSION_MAP = scenario({
  name: "races-version-map",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const VERSION_MAP_WHOLE = VERSION_MAP.check({
  name: "races/version-map",
  title:
    "GNTTABOP_set_version, and dom0's mapping and unmapping of a grant of the domain's leave Xen and the domain intact when they run concurrently",
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

/** Of an entry of version 2: it stands for another domain's grant. */
const GTF_transitive: u64 = 3;

function setVersion(side: Side, version: u32): RaceStep {
  const argument = side.argument(8);
  store<u32>(argument, version);
  return side
    .grants("GNTTABOP_set_version(" + version.toString() + ")", GNTTABOP_set_version, argument)
    .works()
    .may(-EBUSY, "a grant or a status frame is mapped")
    .may(-EAGAIN, "an operation on version 2 is going on");
}

function bothVersions(side: Side): RaceStep {
  setVersion(side, 2);
  return setVersion(side, 1);
}

/** 64 bytes of the grant `ref` of `domid`'s to frame `to` of this domain's. */
function copyGrant(side: Side, ref: u32, domid: u16, to: u64): RaceStep {
  /* struct gnttab_copy: source {u, domid, offset}, dest the same, len, flags, status */
  const copy = side.argument(40);
  store<u32>(copy, ref);
  store<u16>(copy + 8, domid);
  store<u64>(copy + 16, to);
  store<u16>(copy + 24, DOMID_SELF);
  store<u16>(copy + 32, 64);
  store<u16>(copy + 34, GNTCOPY_source_gref);
  return side
    .grants("GNTTABOP_copy", GNTTABOP_copy, copy, 36)
    .works()
    .may(GNTST_general_error, "the entry is not there, or no more")
    .may(GNTST_bad_gntref, "the entry is not there, or no more");
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
    copyGrant(side, REF, domid, frame_of(to));
  }
}

/** What the domain says before it stops: a frame in which dom0 leaves the number of a grant. */
const LETTER = "letter ";

/**
 * The domain's entry stands for a grant that dom0 has made to it. Xen lets go of the domain's table while it is in dom0's; what it
 * knows of the entry is of version 2, so the version must not change meanwhile. A Xen without that rule shows nothing in a release
 * build: if there was no -EAGAIN, the pair shows nothing.
 */
export class VersionTransitive extends GrantPair {
  private letter: u64 = 0;
  private back: RaceStep | null = null;

  constructor() {
    super(VERSION_TRANSITIVE, VERSION_TRANSITIVE_WHOLE);
  }

  build(race: Race): void {
    const table = shared_alloc(1);
    const to = shared_alloc(1);
    const letter = shared_alloc(1);
    race.expect("XENMEM_add_to_physmap of the grant table", mapGrantFrame(0, table), 0);
    const domid = ownDomid();
    console.log(LETTER + frame_of(letter).toString());
    sched.shutdown(SHUTDOWN_suspend);
    this.back = bothVersions(race.left);
    const side = race.right;
    const entry = table + REF * 16;
    /* flags, domid, trans_domid; at 8 the grant's number there. */
    side.program.store(entry + 8, load64(letter));
    side.program.store(entry, GTF_transitive | ((<u64>domid) << 16));
    copyGrant(side, REF, domid, frame_of(to));
  }

  judge(control: bool, race: Race): Outcome {
    const outcome = super.judge(control, race);
    const back = this.back;
    if (outcome.status != "passed" || !back || back.step.count(-EAGAIN) > 0) return outcome;
    return new Outcome("skipped", "not run: no -EAGAIN shows that the two met there (" + outcome.text + ")");
  }

  onLine(side: ToolstackSide, line: string): void {
    super.onLine(side, line);
    if (line.startsWith(LETTER)) this.letter = U64.parseInt(line.substring(LETTER.length));
  }

  onStop(side: ToolstackSide): void {
    const domain = side.guest.domain;
    const page = mapFrame(domain.id, this.letter);
    store64(page, <u64>grant.access(domain.id, frame_of(shared_alloc(1))));
    unmapFrame(page);
  }
}

/** dom0, to whom the entry is. */
const HARDWARE_DOMAIN: u16 = 0;
const GNTST_bad_handle: i64 = -4;

/** dom0 maps and unmaps a grant, while the domain's vCPU 1 goes from one version to the other and rewrites the entry. */
export class VersionMap extends Pair {
  private readonly program: Elsewhere = new Elsewhere();

  constructor() {
    super(VERSION_MAP, VERSION_MAP_WHOLE);
  }

  build(race: Race): void {}

  guest(side: GuestSide): void {
    const table = shared_alloc(1);
    const granted = shared_alloc(1);
    mapGrantFrame(0, table);
    const watched = sideToWatch();
    writeEntry(watched, table, HARDWARE_DOMAIN, frame_of(granted));
    setVersion(watched, 2);
    writeEntry(watched, table, HARDWARE_DOMAIN, frame_of(granted));
    setVersion(watched, 1);
    runWatched(watched, U64.parseInt(raceMs()));
    const judge = new Race(side.control, 0);
    /* Nothing is mapped now. */
    const version = watched.argument(8);
    store<u32>(version, 1);
    judge.expect("GNTTABOP_set_version(1), afterwards", grant_table_op(GNTTABOP_set_version, version, 1), 0);
    this.tell("passed", judge.fault());
  }

  onLine(side: ToolstackSide, line: string): void {
    super.onLine(side, line);
    this.program.onLine(line);
  }

  toolstack(side: ToolstackSide): void {
    side.deadline = RACE_WITHIN;
    const before = freePages();
    side.createPaused();
    const domain = side.guest.domain;
    const race = new Race(side.control, U64.parseInt(raceMs()));
    const steps = new MapAndUnmap(race.left, REF, domain.id);
    steps.map
      .may(GNTST_general_error, "the entry is not there, or no more")
      .may(GNTST_bad_gntref, "the entry is not there, or no more");
    steps.unmap.may(GNTST_bad_handle, "it was not mapped").may(GNTST_general_error, "it was not mapped");
    if (side.control) race.run();
    domain.unpause();
    this.program.meet(race, domain.id);
    side.serve();
    const told = this.outcome;
    if (told && told.text.length > 0) race.wrong(told.text);
    if (told) this.outcome = this.judge(side.control, race);
    this.report(side, before);
  }
}
