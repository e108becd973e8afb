// Registers of a device of the machine, mapped here: XEN_DOMCTL_memory_mapping, which the hardware domain may for itself,
// for what Xen lets it at (iomem_access_permitted).

import { frame_of } from "xenlet/internal/intrinsics";
import { XEN_DOMCTL_memory_mapping, xen_domctl_memory_mapping } from "xenlet/raw/abi/domctl";
import { domctl, domctlArgument } from "./domctl";
import { giveHole, takeHole } from "./foreign-frames";
import { HARDWARE_DOMAIN } from "./platform-op";

/** DPCI_ADD_MAPPING. */
const ADD: u32 = 1;

/** Where the page with that machine frame number is mapped from now on; 0 where Xen will not. */
export function mapDevicePage(frame: u64): usize {
  const at = takeHole();
  const u = changetype<xen_domctl_memory_mapping>(domctlArgument());
  u.first_gfn = frame_of(at);
  u.first_mfn = frame;
  u.nr_mfns = 1;
  u.add_mapping = ADD;
  if (domctl(XEN_DOMCTL_memory_mapping, HARDWARE_DOMAIN) == 0) return at;
  giveHole(at);
  return 0;
}
