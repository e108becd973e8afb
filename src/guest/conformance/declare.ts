// What scenarios and their checks are, declared once, in the scenario's source. The host reads the same literals out of
// the source (plan.ts of the conformance suite): the list of checks, what each suite runs, the domain that stock xl makes, and
// the tables of docs/soft-reset.md come from here. So a field is a literal, a sum of strings, or a constant of this file or
// of the scenario's own.

/** Why stock xl cannot show a check. */
export const SEEN_FROM_DOM0 =
  "dom0 has to look at the domain in the middle of the reset, and xl does all of it at once";
export const DONE_BY_DOM0 = "dom0 has a part in it that xl does not play";
export const OVER_BEFORE_XL_RESETS =
  "xl sleeps 2 s before it resets a domain, and a timer's deadline has passed by then";

export class CheckDeclaration {
  /** "area/claim", in small letters: never changes, and is what --filter and reports know it by. */
  name: string = "";
  /** The claim: one sentence that stands alone, without its full stop. */
  title: string = "";
  /** Where it is listed, if that is not its scenario's area. */
  area: string = "";
  /** Why stock xl cannot show it; empty: it can. */
  notUnderXl: string = "";
  /** Which release of Xen or libxl broke it once, and what fixed it. */
  broken: string = "";
}

export class ScenarioDeclaration {
  /** As on the command line of the conformance program. */
  name: string = "";
  /** What its checks are listed under. */
  area: string = "";
  /** `xenlet conform --suite`. */
  suite: string = "reset";
  /** The domain that it wants. */
  vcpus: u32 = 1;
  memoryMiB: u32 = 8;
  /** How long it takes with its control, in ms, where that is far from what others take: it only spreads scenarios over boots. */
  costMs: u32 = 0;

  /** Declares a check that this scenario makes; returns the name to report it by. */
  check(declaration: CheckDeclaration): string {
    return declaration.name;
  }
}

/** Declares a scenario. */
export function scenario(declaration: ScenarioDeclaration): ScenarioDeclaration {
  return declaration;
}

export const SCHED = "sched";
export const RACES = "races";
/** vCPU 0 looks on, 1 and 2 race; 3 is for pairs that bring one up and down. */
export const RACE_VCPUS = 4;
/** vCPUs 1 and 2 of dom0 race, and their domain has one that looks afterwards. */
export const RACED_VCPUS = 1;
/** What a pair takes with its control. */
export const RACE_MS = 1800;
export const NEEDS_TWO_PCPUS =
  "two vCPUs are in Xen at once on a machine with two physical CPUs, and xl's has one";
