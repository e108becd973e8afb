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

/** A release of Debian's, or a path: anything with a slash, or that is not a version number. */
export async function chooseXen(
  choice: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<XenBinary> {
  if (isXenRelease(choice)) return provideXen(choice, progress, { signal });
  return ownXen(choice, signal);
}

/** Whether that Xen can exist, before any work: downloads nothing. Throws what `chooseXen` would. */
export async function checkXenChoice(choice: string, signal: AbortSignal): Promise<void> {
  if (!isXenRelease(choice)) await ownXen(choice, signal);
}

async function ownXen(choice: string, signal: AbortSignal): Promise<XenBinary> {
  if (/^\d+(\.\d+)*$/.test(choice))
    throw new UserError(
      `unknown Xen version ${choice}: expected ${XEN_RELEASES.join(", ")}, or a hypervisor's file`,
      { hint: `--xen ./xen-${choice}.gz` },
    );
  return xenFromPath(choice, { signal });
}
