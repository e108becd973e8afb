/** How a hypervisor is named in messages. */
import type { XenBinary } from "../debian/index.js";

/** "Xen 4.17 (Debian 4.17.7+13-g…)": the exact version, as every report has to name it. */
export function nameXen(xen: XenBinary & { banner?: string | null }): string {
  if (xen.debianVersion !== null) return `Xen ${xen.release} (Debian ${xen.debianVersion})`;
  return `Xen ${xen.banner ?? xen.release} (${xen.path})`;
}
