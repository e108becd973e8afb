/** Which checks to run: by name, and by shard. */
import { UserError } from "../../base/errors.js";
import { spread } from "./batches.js";
import type { PlannedCheck, Shard } from "./model.js";

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
      throw new UserError(`no check has a name like "${filter}"`, {
        hint: "xenlet conform --list",
      });
    return test;
  });
  return plan.filter(({ name }) => fits.some((test) => test(name)));
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

/** "2/3"; null if it is no shard. */
export function parseShard(text: string): Shard | null {
  const [, index = "", of = ""] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  return shard.index >= 1 && shard.index <= shard.of ? shard : null;
}
