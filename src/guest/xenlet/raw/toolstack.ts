// What a toolstack is made of: control operations by number, the memory of other domains, where a domain's own pages
// are put, device model operations.

export {
  ACPI_BASE,
  ACPI_PAGES,
  CONSOLE_GFN,
  IDENT_PT_GFN,
  SPECIAL_GFN,
  SPECIAL_PAGES,
  STORE_GFN,
} from "xenlet/toolstack/memory-map";
export {
  domctl,
  domctlArgument,
  domctlDomain,
  freePages,
  sysctl,
  sysctlArgument,
} from "xenlet/toolstack/domctl";
export {
  PAGE_SIZE,
  giveHole,
  mapFrame,
  takeHole,
  throughWindow,
  unmapFrame,
} from "xenlet/toolstack/foreign-frames";
export {
  createIoreqServer,
  destroyIoreqServer,
  enableIoreqServer,
  ioreqServerStatus,
  mapIoreqPage,
  mapPortsToIoreqServer,
  setIsaIrqLevel,
} from "xenlet/toolstack/dm-op";
export { GrantMapping } from "xenlet/toolstack/grant-mapping";
export { Job, takeJob } from "xenlet/toolstack/job";
export { INTERFACES, Interface, xenInterface } from "xenlet/toolstack/interface";
export { platformArgument, platformOp } from "xenlet/toolstack/platform-op";
export { XenConsole, pressDebugKey } from "xenlet/toolstack/xen-console";
export { writeAcpi } from "xenlet/toolstack/acpi";
