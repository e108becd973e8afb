// Memory that Xen, another domain or another CPU reads and writes as well, and guest physical memory. A plain load or
// store may be merged, repeated or dropped by the compiler; these are not.

export {
  barrier,
  clear_bit,
  compare_exchange32,
  exchange64,
  fence,
  frame_of,
  load32,
  load64,
  load8,
  physical_read,
  physical_write,
  set_bit,
  shared_alloc,
  shared_clear,
  shared_copy,
  shared_map,
  spare_begin,
  spare_end,
  store32,
  store64,
  store8,
} from "../internal/intrinsics";
export { mapXenFrame, unmapXenFrame } from "../internal/memory/frames";
export { ByteSource, PhysicalBytes } from "../internal/memory/physical";
