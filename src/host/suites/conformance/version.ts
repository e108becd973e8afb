/** Xen's version numbers: 4.17, 4.17.7, 4.21-unstable. */

/** Major, minor and, if known, the point release. */
export interface XenVersion {
  major: number;
  minor: number;
  /** Null for a release as such ("4.17") and for what has none yet ("4.21-unstable"). */
  patch: number | null;
}

/** The number that a text begins with; null if it begins with none. */
export function parseVersion(text: string | null): XenVersion | null {
  const groups = /^(?<major>\d{1,3})\.(?<minor>\d{1,3})(?:\.(?<patch>\d{1,3}))?(?![\d])/.exec(
    text ?? "",
  )?.groups;
  if (groups === undefined) return null;
  const { major, minor, patch } = groups;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: patch === undefined ? null : Number(patch),
  };
}

/**
 * Whether `version` is `from` or newer. A version without a point release is taken for
 * its first one: what a later point release brought it need not have.
 */
export function isFrom(version: XenVersion, from: XenVersion): boolean {
  const order = [
    version.major - from.major,
    version.minor - from.minor,
    (version.patch ?? 0) - (from.patch ?? 0),
  ];
  return (order.find((difference) => difference !== 0) ?? 0) >= 0;
}

/** "4.17.7", "4.17". */
export function showVersion({ major, minor, patch }: XenVersion): string {
  return `${major}.${minor}${patch === null ? "" : `.${patch}`}`;
}
