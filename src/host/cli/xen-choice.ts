/** What the user means by --xen. */
import { UserError } from "../base/errors.js";
import {
  XEN_RELEASES,
  isXenRelease,
  provideXen,
  xenFromPath,
  type XenBinary,
} from "../debian/index.js";
import type { Progress } from "../base/progress.js";

/** A release of Debian's, or a path: what has a slash in it, or is no version number. */
export async function chooseXen(
  choice: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<XenBinary> {
  if (isXenRelease(choice)) return provideXen(choice, progress, { signal });
  if (/^\d+(\.\d+)*$/.test(choice))
    throw new UserError(
      `there is no package of Xen ${choice} here: expected ${XEN_RELEASES.join(", ")}, or a hypervisor's file`,
      { hint: `xenlet run --xen ./xen-${choice}.gz …` },
    );
  return xenFromPath(choice, { signal });
}
