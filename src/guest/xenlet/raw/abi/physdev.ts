// xen/include/public/physdev.h, Xen 4.17.

export const PHYSDEVOP_irq_status_query: u32 = 5;
export const PHYSDEVOP_map_pirq: u32 = 13;

export const MAP_PIRQ_TYPE_GSI: i32 = 1;

/** PHYSDEVOP_map_pirq. `pirq` -1: Xen chooses one, and says which. */
@unmanaged export class physdev_map_pirq {
  domid: u16;
  _pad: u16;
  type: i32;
  index: i32;
  pirq: i32;
  bus: i32;
  devfn: i32;
  entry_nr: i32;
  _pad1: u32;
  table_base: u64;
}

/** PHYSDEVOP_irq_status_query: `irq` is a pirq. */
@unmanaged
export class physdev_irq_status_query {
  irq: u32;
  flags: u32;
}
