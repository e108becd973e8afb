/** Which checks share a boot, or a shard. */
import type { PlannedCheck } from "./planned-check.js";

/** What a check without an idea of its length is taken for, in ms. */
const DEFAULT_COST_MS = 150;
/** What a boot costs before its first check (QEMU, Xen, dom0), in ms: less work than this is not worth one. */
const BOOT_MS = 1500;

/**
 * Spreads one version's checks over boots: enough of them to keep its share of `jobs`
 * busy to the end, but none with less work than it takes to boot. Longest boot first.
 */
export function batchesOf(
  checks: readonly PlannedCheck[],
  { jobs, versions }: { jobs: number; versions: number },
): PlannedCheck[][] {
  // Two for each job, so that one which comes late is made up for by the others.
  const wanted = jobs === 1 ? 1 : Math.ceil((2 * jobs) / versions);
  const worth = Math.max(1, Math.floor(costOfAll(checks) / BOOT_MS));
  return spread(checks, Math.min(wanted, worth))
    .filter((batch) => batch.length > 0)
    .toSorted((a, b) => costOfAll(b) - costOfAll(a));
}

/**
 * Deals checks out into so many parts that take about as long as one another: the longest
 * first, each to the part that has the least. Groups stay together, and within a part the
 * order is kept. Depends on nothing but the checks, whatever their order.
 */
export function spread(checks: readonly PlannedCheck[], parts: number): PlannedCheck[][] {
  const groups = groupsOf(checks)
    .map((group) => ({
      group,
      cost: costOfAll(group),
      name: group.map(({ name }) => name).sort()[0] ?? "",
    }))
    .toSorted((a, b) => b.cost - a.cost || (a.name < b.name ? -1 : 1));
  const bins = Array.from({ length: parts }, () => ({ cost: 0, checks: new Set<PlannedCheck>() }));
  for (const { group, cost } of groups) {
    const bin = bins.reduce((least, one) => (one.cost < least.cost ? one : least));
    bin.cost += cost;
    for (const check of group) bin.checks.add(check);
  }
  return bins.map((bin) => checks.filter((check) => bin.checks.has(check)));
}

function groupsOf(checks: readonly PlannedCheck[]): PlannedCheck[][] {
  const groups = new Map<string, PlannedCheck[]>();
  for (const check of checks) {
    const key = check.group ?? check.name;
    groups.set(key, [...(groups.get(key) ?? []), check]);
  }
  return [...groups.values()];
}

/** In ms. */
export function costOfAll(checks: readonly PlannedCheck[]): number {
  return checks.reduce((sum, { costMs }) => sum + (costMs ?? DEFAULT_COST_MS), 0);
}
