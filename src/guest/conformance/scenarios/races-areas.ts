// Pairs about the areas that a vCPU registers: Xen keeps the page mapped, while another vCPU takes that page away, puts something
// else there, or brings the vCPU down and up.

import { Vcpu, VcpuProgram } from "xenlet";
import {
  xen_add_to_physmap,
  xen_memory_reservation,
  xen_remove_from_physmap,
  XENMAPSPACE_grant_table,
  XENMEM_add_to_physmap,
  XENMEM_decrease_reservation,
  XENMEM_populate_physmap,
  XENMEM_remove_from_physmap,
} from "xenlet/raw/abi/memory";
import {
  vcpu_register_runstate_memory_area,
  vcpu_register_vcpu_info,
  VCPUOP_down,
  VCPUOP_get_runstate_info,
  VCPUOP_is_up,
  VCPUOP_register_vcpu_info,
  VCPUOP_up,
} from "xenlet/raw/abi/vcpu";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { EBUSY, EINVAL, ENOENT, ENOSYS } from "xenlet/raw/errno";
import { frame_of, shared_alloc } from "xenlet/raw/memory";
import { NEEDS_TWO_PCPUS, RACES, RACE_MS, RACE_VCPUS, scenario } from "../declare";
import { Pair } from "../races/pair";
import { Race, RaceStep, Side } from "../races/race";

const AREA = "Races about areas";

const AREA_BALLOON = scenario({
  name: "races-area-balloon",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const AREA_BALLOON_WHOLE = AREA_BALLOON.check({
  name: "races/area-balloon",
  title:
    "Registering an area and returning its page to Xen by XENMEM_decrease_reservation and populate_physmap leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const AREA_FRAME = scenario({
  name: "races-area-frame",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const AREA_FRAME_WHOLE = AREA_FRAME.check({
  name: "races/area-frame",
  title:
    "Registering an area and replacing its frame by XENMEM_add_to_physmap and remove_from_physmap leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const AREA_DOWN = scenario({
  name: "races-area-down",
  area: AREA,
  suite: RACES,
  vcpus: RACE_VCPUS,
  costMs: RACE_MS,
});
const AREA_DOWN_WHOLE = AREA_DOWN.check({
  name: "races/area-down",
  title:
    "Registering a vCPU's areas and its vcpu_info, and bringing that vCPU down and up, leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});

/* vcpu.h, from 4.18 on */
const VCPUOP_register_runstate_phys_area: u32 = 14;
const VCPUOP_register_vcpu_time_phys_area: u32 = 15;

function registerArea(side: Side, what: string, op: u32, vcpu: u32, gpa: u64): RaceStep {
  const argument = side.argument(<u32>offsetof<vcpu_register_runstate_memory_area>());
  changetype<vcpu_register_runstate_memory_area>(argument).addr = gpa;
  return side
    .vcpu(what, op, vcpu, argument)
    .works()
    .may(-ENOSYS, "before 4.18 there is none by physical address")
    .may(-EINVAL, "no RAM is there")
    .may(-ENOENT, "no RAM is there")
    .may(-EBUSY, "another one registers it");
}

function runstateArea(side: Side, vcpu: u32, gpa: u64): RaceStep {
  return registerArea(
    side,
    "VCPUOP_register_runstate_phys_area",
    VCPUOP_register_runstate_phys_area,
    vcpu,
    gpa,
  );
}

function timeArea(side: Side, vcpu: u32, gpa: u64): RaceStep {
  return registerArea(
    side,
    "VCPUOP_register_vcpu_time_phys_area",
    VCPUOP_register_vcpu_time_phys_area,
    vcpu,
    gpa,
  );
}

/** One page's reservation, up or down: 1 extent is done, or 0. */
function reservation(side: Side, what: string, op: u32, gfn: u64): RaceStep {
  const extent = side.argument(8);
  store<u64>(extent, gfn);
  const argument = side.argument(<u32>offsetof<xen_memory_reservation>());
  const a = changetype<xen_memory_reservation>(argument);
  a.extent_start = extent;
  a.nr_extents = 1;
  a.domid = DOMID_SELF;
  return side.memory(what, op, argument).may(1, "done").may(0, "there is, or is not, a page already");
}

/** The page is RAM again, and written by Xen no more once its areas are elsewhere. */
abstract class AreaPair extends Pair {
  protected page: usize = 0;

  whole(race: Race): void {
    const side = new Side();
    const step = reservation(side, "XENMEM_populate_physmap", XENMEM_populate_physmap, frame_of(this.page));
    race.runsAlone(side, 1);
    const refused = step.wrong();
    if (refused.length > 0) race.wrong(refused + ", afterwards");
  }
}

export class AreaBalloon extends AreaPair {
  constructor() {
    super(AREA_BALLOON, AREA_BALLOON_WHOLE);
  }

  build(race: Race): void {
    this.page = shared_alloc(1);
    const gfn = frame_of(this.page);
    runstateArea(race.left, 1, gfn << 12);
    timeArea(race.left, 1, (gfn << 12) + 256);
    reservation(race.right, "XENMEM_decrease_reservation", XENMEM_decrease_reservation, gfn);
    reservation(race.right, "XENMEM_populate_physmap", XENMEM_populate_physmap, gfn);
  }
}

export class AreaFrame extends AreaPair {
  constructor() {
    super(AREA_FRAME, AREA_FRAME_WHOLE);
  }

  build(race: Race): void {
    this.page = shared_alloc(1);
    const gfn = frame_of(this.page);
    runstateArea(race.left, 1, gfn << 12);
    timeArea(race.left, 1, (gfn << 12) + 256);
    const side = race.right;
    const add = side.argument(<u32>offsetof<xen_add_to_physmap>());
    changetype<xen_add_to_physmap>(add).domid = DOMID_SELF;
    changetype<xen_add_to_physmap>(add).space = XENMAPSPACE_grant_table;
    changetype<xen_add_to_physmap>(add).gpfn = gfn;
    side.memory("XENMEM_add_to_physmap of a grant frame", XENMEM_add_to_physmap, add).works();
    const remove = side.argument(<u32>offsetof<xen_remove_from_physmap>());
    changetype<xen_remove_from_physmap>(remove).domid = DOMID_SELF;
    changetype<xen_remove_from_physmap>(remove).gpfn = gfn;
    side.memory("XENMEM_remove_from_physmap", XENMEM_remove_from_physmap, remove).works();
    reservation(side, "XENMEM_populate_physmap", XENMEM_populate_physmap, gfn);
  }
}

export class AreaDown extends Pair {
  constructor() {
    super(AREA_DOWN, AREA_DOWN_WHOLE);
  }

  build(race: Race): void {
    const busy = new VcpuProgram(1);
    busy.pause(1_000);
    Vcpu.start(3).run(busy.setRounds(u64.MAX_VALUE));
    const gfn = frame_of(shared_alloc(1));
    race.left.vcpu("VCPUOP_down", VCPUOP_down, 3).works();
    race.left.vcpu("VCPUOP_up", VCPUOP_up, 3).works();
    const side = race.right;
    runstateArea(side, 3, gfn << 12);
    timeArea(side, 3, (gfn << 12) + 256);
    const info = side.argument(<u32>offsetof<vcpu_register_vcpu_info>());
    changetype<vcpu_register_vcpu_info>(info).mfn = gfn;
    changetype<vcpu_register_vcpu_info>(info).offset = 512;
    side
      .vcpu("VCPUOP_register_vcpu_info", VCPUOP_register_vcpu_info, 3, info)
      .works()
      .may(-EINVAL, "it is registered, or before 4.18 the vCPU is up")
      .may(-EBUSY, "it is registered");
    side.vcpu("VCPUOP_get_runstate_info", VCPUOP_get_runstate_info, 3, side.argument(64)).works();
    side.vcpu("VCPUOP_is_up", VCPUOP_is_up, 3).may(0, "down").may(1, "up");
  }
}
