/**
 * What cannot be shown under stock xl, and why: each check that is here is skipped there and counted as skipped. One that
 * is not here is run, so that a new check has to be looked at.
 */
import type { Exemption } from "./expectations.js";

interface Group {
  reason: string;
  checks: readonly string[];
}

const FROM_DOM0 =
  "it is looked at from dom0, in the middle of the reset: xl does all of it at once, and nobody looks in between";
const BY_DOM0 = "dom0 has a part in it that xl does not play";
const TWO_SECONDS =
  "xl sleeps 2 s before it resets a domain, and a timer's deadline is over by then";

const GROUPS: readonly Group[] = [
  {
    reason: FROM_DOM0,
    checks: [
      "event-channels/peer-unbound",
      "event-channels/store-offered-first",
      "event-channels/console-offered-second",
      "shared-info/unmapped",
      "shared-info/page-given-back",
      "shared-info/no-page-lost",
      "shared-info/hole-becomes-ram",
      "shared-info/no-page-for-it",
      "shared-info/crashes-as-reason-5",
      "survives/memory",
      "survives/every-other-page",
      "survives/balloon",
      "survives/callback",
      "survives/store-frame",
      "survives/console-frame",
      "survives/memory-limit",
      "survives/system-time",
      "survives/vcpus-online",
      "stays-dirty/console-port-param",
      "endurance/all-made",
      "endurance/nothing-refused",
      "endurance/free-pages",
      "endurance/domain-pages",
      "endurance/port-numbers",
    ],
  },
  {
    reason: BY_DOM0,
    checks: [
      "unsupported/reason-reaches-toolstack",
      "unsupported/domain-is-gone",
      "who-may/not-paused",
      "who-may/refusal-changes-nothing",
      "who-may/paused-and-shut-down",
      "who-may/stays-paused",
      "who-may/shut-down-no-more",
      "who-may/second-refused",
      "who-may/pauses-nest",
      "who-may/reason-reboot",
      "who-may/reason-suspend",
      "who-may/reason-crash",
      "who-may/reason-poweroff",
      "who-may/reason-unknown",
      "who-may/not-its-own-wish",
      "who-may/dom0-itself",
      "who-may/never-run",
      "who-may/no-such-domain",
      "who-may/pv-refused",
      "who-may/pv-crashes",
      "who-may/running",
      "who-may/running-paused",
      "who-may/shut-down-by-toolstack",
      "who-may/not-asked-and-goes-on",
      "who-may/during-another",
      "who-may/busy-changes-nothing",
      "who-may/other-reset-goes-on",
      "who-may/after-another",
      "stays-dirty/shutdown-code",
      "stays-dirty/shutdown-code-goes",
      "grants/mapping-reads",
      "grants/mapping-writes",
      "grants/entry-in-use",
      "grants/cannot-be-ended",
      "grants/logged",
      "grants/ends-when-unmapped",
      "grants/readonly-mapping-reads",
      "grants/readonly-entry-in-use",
      "grants/readonly-cannot-be-ended",
      "grants/log-counts",
      "grants/unmaps",
      "grants/idle-entry-maps",
      "grants/table-stays-mapped",
      "grants/table-size",
      "grants/reserved-console",
      "grants/reserved-store",
      "pirq/binds-again",
      "pirq/mapping-forgotten",
      "pirq/all-mappings-forgotten",
      "pirq/port-closed",
      "pirq/bound-is-not-mapped",
      "pirq/maps-again",
      "pirq/delivers-again",
      "pirq/number-is-free",
    ],
  },
  {
    reason: TWO_SECONDS,
    checks: [
      "stays-dirty/singleshot-timer",
      "stays-dirty/periodic-timer",
      "stays-dirty/poll-timer",
      "stays-dirty/watchdog-fires",
      "stays-dirty/watchdog-id",
      "stays-dirty/watchdog-lost",
    ],
  },
];

export const XL_EXEMPTIONS: readonly Exemption[] = GROUPS.flatMap(({ reason, checks }) =>
  checks.map((check) => ({
    check,
    phase: "check",
    on: ["xl", "xl-hvm"],
    from: null,
    before: null,
    reason,
    source: "docs/xl.md",
  })),
);
