/** Which checks share a boot. */
import type { PlannedCheck } from "./model.js";

/** What a check without an idea of its length is taken for, in ms. */
const DEFAULT_COST_MS = 150;
/** What a boot costs before its first check (QEMU, Xen, dom0), in ms: less work than this is not worth one. */
const BOOT_MS = 1500;

/**
 * Spreads one version's checks over boots: enough of them to keep its share of `jobs`
 * busy to the end, but none with less work than it takes to boot. A check keeps its place
 * in the order within its boot. Longest boot first.
 */
export function batchesOf(
  checks: readonly PlannedCheck[],
  { jobs, versions }: { jobs: number; versions: number },
): PlannedCheck[][] {
  const total = checks.reduce((sum, check) => sum + costOf(check), 0);
  // Two for each job, so that one which comes late is made up for by the others.
  const wanted = jobs === 1 ? 1 : Math.ceil((2 * jobs) / versions);
  const worth = Math.max(1, Math.floor(total / BOOT_MS));
  const bins = Array.from({ length: Math.min(wanted, worth, checks.length) }, () => ({
    cost: 0,
    checks: new Set<PlannedCheck>(),
  }));
  // The longest first, each into the bin that has the least.
  for (const check of checks.toSorted((a, b) => costOf(b) - costOf(a))) {
    const bin = bins.reduce((least, one) => (one.cost < least.cost ? one : least));
    bin.cost += costOf(check);
    bin.checks.add(check);
  }
  return bins
    .toSorted((a, b) => b.cost - a.cost)
    .map((bin) => checks.filter((check) => bin.checks.has(check)));
}

export function costOf({ costMs }: PlannedCheck): number {
  return costMs ?? DEFAULT_COST_MS;
}
