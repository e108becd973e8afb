/** Which checks share a boot. */
import type { PlannedCheck } from "./model.js";

/** What a check without an idea of its length is taken for, in ms. */
const DEFAULT_COST_MS = 150;
/** What a boot costs before its first check (QEMU, Xen, dom0), in ms: less work than this is not worth one. */
const BOOT_MS = 1500;

/**
 * Spreads one version's checks over boots: enough of them to keep its share of `jobs`
 * busy to the end, but none with less work than it takes to boot. A check keeps its place
 * in the order within its boot, and a group stays together. Longest boot first.
 */
export function batchesOf(
  checks: readonly PlannedCheck[],
  { jobs, versions }: { jobs: number; versions: number },
): PlannedCheck[][] {
  const total = costOfAll(checks);
  // Two for each job, so that one which comes late is made up for by the others.
  const wanted = jobs === 1 ? 1 : Math.ceil((2 * jobs) / versions);
  const worth = Math.max(1, Math.floor(total / BOOT_MS));
  const groups = groupsOf(checks);
  const bins = Array.from({ length: Math.min(wanted, worth, groups.length) }, () => ({
    cost: 0,
    checks: new Set<PlannedCheck>(),
  }));
  // The longest first, each into the bin that has the least.
  for (const group of groups.toSorted((a, b) => costOfAll(b) - costOfAll(a))) {
    const bin = bins.reduce((least, one) => (one.cost < least.cost ? one : least));
    bin.cost += costOfAll(group);
    for (const check of group) bin.checks.add(check);
  }
  return bins
    .toSorted((a, b) => b.cost - a.cost)
    .map((bin) => checks.filter((check) => bin.checks.has(check)));
}

function groupsOf(checks: readonly PlannedCheck[]): PlannedCheck[][] {
  const groups = new Map<string, PlannedCheck[]>();
  for (const check of checks) {
    const key = check.group ?? check.name;
    groups.set(key, [...(groups.get(key) ?? []), check]);
  }
  return [...groups.values()];
}

function costOfAll(checks: readonly PlannedCheck[]): number {
  return checks.reduce((sum, check) => sum + costOf(check), 0);
}

export function costOf({ costMs }: PlannedCheck): number {
  return costMs ?? DEFAULT_COST_MS;
}
