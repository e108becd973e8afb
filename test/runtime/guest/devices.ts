// The console ring and the grant table as exports, for the tests beside this file.

import { ConsoleRing } from "xenlet/internal/console/ring";
import { grant } from "xenlet/grant";
import { shared_alloc } from "xenlet/internal/intrinsics";

const PORT = 3;
const page = shared_alloc(1);
const ring = new ConsoleRing(page, PORT);
const buffer = memory.data(16384);

export function ringPage(): usize {
  return page;
}

export function bufferAt(): usize {
  return buffer;
}

export function room(): u32 {
  return ring.room;
}

export function write(size: u32, deadline: u64): u32 {
  return ring.write(buffer, size, deadline);
}

export function read(size: u32): u32 {
  return ring.read(buffer, size);
}

export function access(domid: u32, gfn: u64, readonly: bool): i32 {
  return grant.access(<u16>domid, gfn, readonly);
}

export function end(ref: u32): bool {
  return grant.end(ref);
}

export function activeCount(): i32 {
  return grant.active().length;
}
