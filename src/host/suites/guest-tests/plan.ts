/** Which tests a guest's sources have, so that those that it never came to are not forgotten. */
import { wellFormed } from "../../base/text.js";
import type { TestSite } from "../../build/asc/transform/test-sites.js";

export interface Unreached {
  site: TestSite;
  /** The groups that it stands in, outermost first. */
  groups: TestSite[];
  /** Why, if one of its groups was skipped. */
  skipped: string | null;
}

export class Plan {
  readonly #reached = new Set<TestSite>();
  readonly #skippedGroups = new Map<TestSite, string>();

  constructor(private readonly sites: readonly TestSite[]) {}

  /** How many tests the sources have. */
  get size(): number {
    return this.sites.filter(({ kind }) => kind !== "group").length;
  }

  /** The guest reached what stands at that place; several on one line are distinguished by name. */
  reach(at: { file: string; line: number; name: string }): TestSite | null {
    const here = this.sites.filter(({ file, line }) => file === at.file && line === at.line);
    // Half of a surrogate pair is not text: it arrives as U+FFFD (record_utf16, boot/record.c).
    const named = here.filter(
      ({ exact, name }) => exact && wellFormed(name) === wellFormed(at.name),
    );
    const computed = here.filter(({ exact }) => !exact);
    const candidates = named.length > 0 ? named : computed;
    const site = candidates.find((one) => !this.#reached.has(one)) ?? candidates[0] ?? null;
    if (site !== null) this.#reached.add(site);
    return site;
  }

  /** The guest skipped all of a group. Returns whether there are tests in it that are known. */
  skipGroup(group: TestSite, reason: string): boolean {
    this.#skippedGroups.set(group, reason);
    return this.sites.some((site) => site.kind !== "group" && this.#groupsOf(site).includes(group));
  }

  unreached(): Unreached[] {
    return this.sites
      .filter((site) => site.kind !== "group" && !this.#reached.has(site))
      .map((site) => {
        const groups = this.#groupsOf(site);
        const skipped = groups.find((group) => this.#skippedGroups.has(group));
        return {
          site,
          groups,
          skipped: skipped === undefined ? null : (this.#skippedGroups.get(skipped) ?? null),
        };
      });
  }

  #groupsOf(site: TestSite): TestSite[] {
    const groups: TestSite[] = [];
    for (let index = site.group; index !== null;) {
      const group = this.sites[index];
      if (group === undefined) break;
      groups.unshift(group);
      index = group.group;
    }
    return groups;
  }
}
