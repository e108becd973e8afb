// What dom0 does with a grant of a domain's in a race: maps it where nothing is, and lets go of it.

import {
  GNTMAP_host_map,
  GNTTABOP_map_grant_ref,
  GNTTABOP_unmap_grant_ref,
  gnttab_map_grant_ref,
  gnttab_unmap_grant_ref,
} from "xenlet/raw/abi/grant_table";
import { frame_of } from "xenlet/raw/memory";
import { takeHole } from "xenlet/raw/toolstack";
import { RaceStep, Side } from "./race";

/** Both steps work; what else each may answer is the pair's. */
export class MapAndUnmap {
  readonly map: RaceStep;
  readonly unmap: RaceStep;

  constructor(side: Side, ref: u32, domid: u16) {
    const at = frame_of(takeHole()) << 12;
    const map = side.argument(<u32>offsetof<gnttab_map_grant_ref>());
    changetype<gnttab_map_grant_ref>(map).host_addr = at;
    changetype<gnttab_map_grant_ref>(map).flags = GNTMAP_host_map;
    changetype<gnttab_map_grant_ref>(map).ref = ref;
    changetype<gnttab_map_grant_ref>(map).dom = domid;
    this.map = side
      .grants(
        "GNTTABOP_map_grant_ref",
        GNTTABOP_map_grant_ref,
        map,
        <u32>offsetof<gnttab_map_grant_ref>("status"),
      )
      .works();
    const unmap = side.argument(<u32>offsetof<gnttab_unmap_grant_ref>());
    changetype<gnttab_unmap_grant_ref>(unmap).host_addr = at;
    side.program.copy(
      map + offsetof<gnttab_map_grant_ref>("handle"),
      unmap + offsetof<gnttab_unmap_grant_ref>("handle"),
    );
    this.unmap = side
      .grants(
        "GNTTABOP_unmap_grant_ref",
        GNTTABOP_unmap_grant_ref,
        unmap,
        <u32>offsetof<gnttab_unmap_grant_ref>("status"),
      )
      .works();
  }
}
