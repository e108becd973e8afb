// Which Debian suite has which Xen.

/** A released Debian whose packages are used here. */
export type Suite = "bullseye" | "bookworm" | "trixie";

/** A Xen that Debian ships: bullseye's, bookworm's, trixie's. */
export type XenRelease = "4.14" | "4.17" | "4.20";

const SUITE_OF: Readonly<Record<XenRelease, Suite>> = {
  "4.14": "bullseye",
  "4.17": "bookworm",
  "4.20": "trixie",
};

export const XEN_RELEASES = Object.keys(SUITE_OF) as XenRelease[];

export function isXenRelease(text: string): text is XenRelease {
  return Object.hasOwn(SUITE_OF, text);
}

export function suiteOf(release: XenRelease): Suite {
  return SUITE_OF[release];
}
