/** Which checks to run: by name, and by shard. */
import { UserError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { spread } from "./batches.js";
import type { Shard } from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";

/**
 * The checks whose name a filter fits: with a `*` in it the whole name (`*` stands for
 * anything), else a part of it. No filters: all of them.
 * Throws a UserError for a filter that fits none.
 */
export function filterChecks(
  plan: readonly PlannedCheck[],
  filters: readonly string[],
): PlannedCheck[] {
  if (filters.length === 0) return [...plan];
  const fits = filters.map((filter) => {
    const test = matcher(filter);
    if (!plan.some(({ name }) => test(name)))
      throw new UserError(`no check's name matches "${filter}"`, {
        hint: "xenlet conform --list",
      });
    return test;
  });
  return plan.filter(({ name }) => fits.some((test) => test(name)));
}

/** The default of `--suite`. */
export const DEFAULT_SUITE = "reset";

/**
 * The checks of these suites; "all" is every one. No suites: the default, or all where `filtered`, since a name says enough.
 * Throws a UserError for a suite that there is not.
 */
export function suiteChecks(
  plan: readonly PlannedCheck[],
  suites: readonly string[] | undefined,
  filtered: boolean,
): PlannedCheck[] {
  const wanted = suites ?? [filtered ? "all" : DEFAULT_SUITE];
  const known = [...new Set(plan.map(({ suite }) => suite))];
  const unknown = wanted.find((one) => one !== "all" && !known.includes(one));
  if (unknown !== undefined)
    throw new UserError(`unknown suite "${unknown}": expected ${[...known, "all"].join(", ")}`, {
      exitCode: ExitCode.USAGE,
    });
  return plan.filter(({ suite }) => wanted.includes("all") || wanted.includes(suite));
}

function matcher(filter: string): (name: string) => boolean {
  if (!filter.includes("*")) return (name) => name.includes(filter);
  const parts = filter.split("*").map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".*")}$`);
  return (name) => pattern.test(name);
}

/** One shard's checks: the same on every machine that has the same plan. */
export function shardChecks(checks: readonly PlannedCheck[], { index, of }: Shard): PlannedCheck[] {
  return spread(checks, of)[index - 1] ?? [];
}

/** "2/3"; null if it is not a shard. */
export function parseShard(text: string): Shard | null {
  const [, index = "", of = ""] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  return shard.index >= 1 && shard.index <= shard.of ? shard : null;
}
