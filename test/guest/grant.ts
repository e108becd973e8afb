// @xenlet on=dom0
// The grant table on a real Xen: a permission works, is in use while it is mapped, and cannot be taken back then.
// The domain grants a frame to itself and maps it: Xen treats that as it would another domain's. Fails if an
// entry is laid out wrongly, if Xen refuses the mapping, or if end() takes back what is mapped.

import { grant } from "xenlet/grant";
import { expect, group, test } from "xenlet/test";
import {
  GNTMAP_host_map,
  gnttab_map_grant_ref,
  gnttab_unmap_grant_ref,
  GNTTABOP_map_grant_ref,
  GNTTABOP_unmap_grant_ref,
} from "xenlet/raw/abi/grant_table";
import { grant_table_op } from "xenlet/raw/hypercall";
import { frame_of, load32, shared_alloc, store32 } from "xenlet/raw/memory";

const PAGE: usize = 4096;
/** dom0, by number: Xen takes no DOMID_SELF here. */
const DOM0: u16 = 0;
const mapArgument = changetype<gnttab_map_grant_ref>(memory.data(offsetof<gnttab_map_grant_ref>(), 8));
const unmapArgument = changetype<gnttab_unmap_grant_ref>(memory.data(offsetof<gnttab_unmap_grant_ref>(), 8));
const granted = shared_alloc(1);
const window = shared_alloc(1);
let ref: u32 = 0;

test("the table has room", () => {
  const sizes = grant.querySize();
  expect(sizes >> 32).toBeGreaterThan(0);
  expect(sizes & 0xffffffff).toBeGreaterThan((sizes >> 32) - 1);
});

group("a granted frame", () => {
  test("has a reference behind the reserved ones", () => {
    ref = grant.access(DOM0, frame_of(granted));
    expect(ref).toBe(8);
    expect(grant.inUse(ref)).toBeFalse();
  });

  test("can be mapped, and is then in use", () => {
    store32(granted, 0x5eed);
    mapArgument.host_addr = frame_of(window) * PAGE;
    mapArgument.flags = GNTMAP_host_map;
    mapArgument.ref = ref;
    mapArgument.dom = DOM0;
    expect(grant_table_op(GNTTABOP_map_grant_ref, changetype<usize>(mapArgument), 1)).toBe(0);
    expect(mapArgument.status).toBe(0);
    expect(load32(window)).toBe(0x5eed);
    expect(grant.inUse(ref)).toBeTrue();
    expect(grant.active().length).toBe(1);
  });

  test("cannot be taken back while it is mapped", () => {
    expect(grant.end(ref)).toBeFalse();
    expect(grant.inUse(ref)).toBeTrue();
  });

  test("can be taken back when it is not", () => {
    unmapArgument.host_addr = mapArgument.host_addr;
    unmapArgument.dev_bus_addr = 0;
    unmapArgument.handle = mapArgument.handle;
    expect(grant_table_op(GNTTABOP_unmap_grant_ref, changetype<usize>(unmapArgument), 1)).toBe(0);
    expect(unmapArgument.status).toBe(0);
    expect(grant.inUse(ref)).toBeFalse();
    expect(grant.end(ref)).toBeTrue();
  });

  test("cannot be mapped after that", () => {
    expect(grant_table_op(GNTTABOP_map_grant_ref, changetype<usize>(mapArgument), 1)).toBe(0);
    expect(mapArgument.status).toBeLessThan(0);
  });
});
