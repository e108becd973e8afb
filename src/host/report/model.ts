/** What a run of any suite came to, as formats for machines have it: TAP, JUnit and GitHub's annotations are written from this alone. */

export type Outcome =
  | "passed"
  /** What it claims does not hold. */
  | "failed"
  /** It came to no result: a crash, a deadline, trouble on the machine. */
  | "error"
  | "skipped"
  | "todo";

export interface Place {
  /** As one would open it from the current directory; `~lib/…` for a guest's library. */
  file: string;
  /** From 1. */
  line: number;
}

export interface ReportCase {
  type: "case";
  name: string;
  /** Whether it is what belongs to no test or check: its name is `kind` in parentheses. */
  isProblem: boolean;
  /** The whole line of a TAP point, where that is not the name alone. */
  description?: string;
  outcome: Outcome;
  /** Why it is not among the passed ones, in one sentence; empty for those. */
  reason: string;
  /** What became of it, in the suite's own word: "crashed", "timed-out", "failed", … */
  kind: string;
  /** Where it is reported beside the source. */
  place: Place | null;
  /** Everything else that is known, by name, for TAP. */
  facts: Fact[];
  /** The same for people, in whole lines, for JUnit. */
  text: string[];
  /** What the guest printed meanwhile. */
  output: string[];
  durationMs: number | null;
}

export type Fact = [key: string, value: string | number | string[] | Place];

export interface ReportGroup {
  type: "group";
  name: string;
  children: ReportNode[];
}

export type ReportNode = ReportCase | ReportGroup;

export interface ReportSuite {
  name: string;
  /** What a case's class is called in JUnit. */
  classname: string;
  children: ReportNode[];
  /** In place of children: nothing of the suite was run, and this is why. */
  instead: ReportCase | null;
  /** What it ran on, by name. */
  properties: Record<string, string>;
  /** The file that it is about. */
  file: string | null;
  log: string | null;
  /** What was printed outside of all cases. */
  output: string[];
  durationMs: number;
  /** When it began, ISO 8601, and where; null where that is not known. */
  began: string | null;
  hostname: string | null;
}

export interface Report {
  title: string;
  /** One sentence each. */
  comments: string[];
  suites: ReportSuite[];
  durationMs: number;
}

/** All cases below, each with the names of the groups that it is in, outermost first. */
export function casesOf(
  nodes: ReportNode[],
  groups: string[] = [],
): { groups: string[]; one: ReportCase }[] {
  return nodes.flatMap((node) =>
    node.type === "case" ? [{ groups, one: node }] : casesOf(node.children, [...groups, node.name]),
  );
}

export function isFailure({ outcome }: ReportCase): boolean {
  return outcome === "failed" || outcome === "error";
}

export function hasFailure(nodes: ReportNode[]): boolean {
  return casesOf(nodes).some(({ one }) => isFailure(one));
}

/** A case for what belongs to no test or check: `kind` in parentheses is its name. */
export function problemCase(
  kind: string,
  message: string,
  more: { facts?: Fact[]; text?: string[] } = {},
): ReportCase {
  return {
    type: "case",
    name: `(${kind})`,
    isProblem: true,
    description: `(${kind}) ${message}`,
    outcome: "error",
    reason: message,
    kind,
    place: null,
    facts: more.facts ?? [],
    text: [message, ...(more.text ?? [])],
    output: [],
    durationMs: null,
  };
}

/** A list as a fact; nothing where it is empty. */
export function listed(key: string, values: string[]): Fact[] {
  return values.length === 0 ? [] : [[key, values]];
}
