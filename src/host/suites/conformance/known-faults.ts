/**
 * Faults that some Xens are known to have: knowledge, like the differences between versions (expectations.ts), and neither a
 * failure nor a pass. A check that can show one on that Xen is "known fault observed" or "known fault not observed"; both are
 * skipped, counted, and cost no other check anything, since they have boots of their own: a hypervisor with such a
 * fault may panic or hang.
 */
import type { CheckResult } from "../../report/matrix/model.js";
import { isFrom, parseVersion, type XenVersion } from "./version.js";

export interface KnownFault {
  /** The check that shows it. */
  check: string;
  /** "XSA-500". */
  source: string;
  /** What goes wrong. */
  what: string;
  /** The first release of each branch that has the fix, oldest first; branches in between that are not named have none. */
  fixedIn: readonly string[];
  /** Whether it is seen each time: then one of these Xens that does not show it has been fixed, and the table has to be updated. */
  certain: boolean;
}

export const KNOWN_FAULTS: readonly KnownFault[] = [
  {
    check: "advisories/pinned-grant",
    source: "XSA-500",
    what: "a copy is written to a frame that was granted read-only",
    fixedIn: ["4.17.7", "4.18.6", "4.19.6", "4.20.4", "4.21.2", "4.22"],
    certain: true,
  },
  {
    check: "races/illegal-vector",
    source: "XSA-462",
    what: "a physical CPU hangs, and soon the whole machine",
    fixedIn: ["4.17.6", "4.18.4", "4.19.1", "4.20"],
    certain: true,
  },
  {
    check: "races/reset-expand",
    source: "XSA-505",
    what: "Xen panics",
    fixedIn: ["4.17.7", "4.18.6", "4.19.6", "4.20.4", "4.21.2", "4.22"],
    certain: false,
  },
  {
    check: "races/version-status",
    source: "XSA-486 before 4.17.7 and 4.20.4, and by Xen's own choice since",
    what: "Xen crashes a domain that maps a status frame while its other vCPU releases the status frames (gnttab_unpopulate_status_frames())",
    // No release does anything else.
    fixedIn: ["99.0"],
    certain: false,
  },
  {
    check: "races/soft-reset-destroy",
    source: "docs/upstream.md",
    what: "Xen panics: it frees the shared_info page of a domain that is reset while being destroyed",
    // No release has a change yet.
    fixedIn: ["99.0"],
    certain: false,
  },
];

/** Whether that Xen is known to have it; an unknown version is assumed not to. */
export function hasFault({ fixedIn }: KnownFault, version: XenVersion | null): boolean {
  if (version === null) return false;
  const mended = fixedIn.map((text) => {
    const parsed = parseVersion(text);
    if (parsed === null) throw new Error(`the table of known faults has the version ${text}`);
    return parsed;
  });
  const branch = mended.find(
    ({ major, minor }) => major === version.major && minor === version.minor,
  );
  if (branch !== undefined) return !isFrom(version, branch);
  const last = mended.at(-1);
  return last !== undefined && !isFrom(version, last);
}

/** The fault that this check is known to show there; null: none. */
export function faultOf(
  faults: readonly KnownFault[],
  check: string,
  version: XenVersion | null,
): KnownFault | null {
  return faults.find((one) => one.check === check && hasFault(one, version)) ?? null;
}

/** What a result is in the light of that. */
export function judgeKnown(
  result: CheckResult,
  { source, what, certain }: KnownFault,
): CheckResult {
  switch (result.status) {
    case "skipped":
      return result;
    case "failed":
      return {
        ...result,
        status: "skipped",
        detail: `known fault observed: ${source}, ${what}; ${result.detail}`,
      };
    case "passed":
      return certain
        ? {
            ...result,
            status: "failed",
            detail: `fixed: ${source} was not observed, although the table of known faults lists this version: update the table`,
          }
        : { ...result, status: "skipped", detail: `known fault not observed: ${source}, ${what}` };
  }
}
