/**
 * From the records of one boot to what it said about its checks.
 *
 *     scenario name= phase=                           a group of checks begins
 *     begin  name= phase=                             a check begins (may be left out)
 *     claim  name= phase= ok=0|1 text=                one comparison, with both values
 *     check  name= phase= status= [observed=] text=   the result: one for each phase
 *     state  name= before= shutdown= after=           a row of the table of the domain's state
 *     stage  name= ns=                                a point of one soft reset's timeline
 *     series name= values=1,2,3                       samples that must not move
 *
 * `phase` is check or control, `status` passed, failed or skipped. In every field but
 * `text`, a space is %20 and a percent sign %25. `observed` is a value that is known to
 * differ between versions (src/host/suites/conformance/expectations.ts): a bare one goes by the check's
 * name, `name:value,name:value` by their own.
 *
 * Nothing is taken for granted: what is reported twice, late, about a check that was not asked
 * for, or against its own claims, is said and fails.
 */
import { fieldsOf, type GuestRecord } from "../../protocol/record.js";
import {
  PHASES,
  STATUSES,
  type CheckStatus,
  type Claim,
  type Phase,
  type Series,
  type StateRow,
  type TimelineStage,
} from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";

/** What a boot said about one phase of one check. */
export interface PhaseResult {
  status: CheckStatus;
  text: string;
  /** Values by name. */
  observed: ReadonlyMap<string, string>;
  durationMs: number;
}

/** What a boot said about one check. */
export interface Evidence {
  phases: Map<Phase, PhaseResult>;
  claims: Claim[];
  /** What is wrong with what it said. */
  faults: string[];
}

/** A result of a check that was not announced, or that this boot was not asked to run. */
export interface UnexpectedCheck {
  name: string;
  known: boolean;
  status: string;
}

/** Takes the records of one boot as they come. */
export class BootCollector {
  readonly state: StateRow[] = [];
  readonly timeline: TimelineStage[] = [];
  readonly series: Series[] = [];
  readonly unexpected: UnexpectedCheck[] = [];
  /** Records that cannot be read, or contradict each other without naming a check. */
  readonly contradictions: string[] = [];

  readonly #evidence = new Map<string, Evidence>();
  /** The check, or the group of checks, that began last. */
  #begun: string | null = null;
  #phase: Phase = "check";
  /** What the domain, or the program, last logged in a phase of a group: why it came to no result. */
  readonly #lastWords = new Map<string, string>();
  #since: number;
  #heard = false;

  /**
   * `asked`: the checks that this boot runs, in order; `known`: all names.
   * `now` is a clock in ms.
   */
  constructor(
    private readonly asked: readonly PlannedCheck[],
    private readonly known: ReadonlySet<string>,
    private readonly now: () => number = () => performance.now(),
  ) {
    for (const { name } of asked)
      this.#evidence.set(name, { phases: new Map(), claims: [], faults: [] });
    this.#since = now();
  }

  /** Returns the check that a record belongs to, if it ends a phase of it. */
  record(record: GuestRecord): string | null {
    if (record.signed && record.kind === "log") this.#heardWords(record.payload);
    if (!record.signed || !READERS.has(record.kind)) return null;
    this.#heard = true;
    const fields = fieldsOf(record);
    const name = fields === null ? null : value(fields, "name");
    const read =
      fields !== null && name !== null && name !== "" && this.#read(record.kind, name, fields);
    if (!read)
      this.contradictions.push(`a ${record.kind} record that cannot be parsed: ${record.payload}`);
    return read && record.kind === "check" ? name : null;
  }

  #read(kind: string, name: string, fields: Map<string, string>): boolean {
    switch (kind) {
      case "scenario":
        this.#begun = name;
        this.#phase = phaseOf(fields) ?? "check";
        this.#since = this.now();
        return phaseOf(fields) !== null;
      case "begin":
        return this.#begin(name, fields);
      case "claim":
        return this.#claim(name, fields);
      case "check":
        return this.#check(name, fields);
      case "state": {
        const before = value(fields, "before");
        const atShutdown = value(fields, "shutdown");
        const afterReset = value(fields, "after");
        if (before === null || atShutdown === null || afterReset === null) return false;
        return this.#once(this.state, kind, { name, before, atShutdown, afterReset });
      }
      case "stage": {
        const ns = value(fields, "ns") ?? "";
        if (!/^\d{1,15}$/.test(ns)) return false;
        return this.#once(this.timeline, kind, { name, ns: Number(ns) });
      }
      default: {
        const values = (value(fields, "values") ?? "").split(",");
        if (!values.every((one) => /^-?\d{1,15}$/.test(one))) return false;
        return this.#once(this.series, kind, { name, values: values.map(Number) });
      }
    }
  }

  #begin(name: string, fields: Map<string, string>): boolean {
    const phase = phaseOf(fields);
    if (phase === null) return false;
    const evidence = this.#evidenceOf(name, "begun");
    if (evidence?.phases.has(phase) === true)
      evidence.faults.push(`its ${phase} began again after its result`);
    if (evidence !== null) {
      this.#begun = name;
      this.#phase = phase;
    }
    this.#since = this.now();
    return true;
  }

  #claim(name: string, fields: Map<string, string>): boolean {
    const phase = phaseOf(fields);
    const ok = value(fields, "ok");
    if (phase === null || (ok !== "0" && ok !== "1")) return false;
    const evidence = this.#evidenceOf(name, "claimed");
    if (evidence === null) return true;
    const text = fields.get("text") ?? "";
    if (evidence.phases.has(phase))
      evidence.faults.push(`a claim came after its ${phase}'s result: ${text}`);
    evidence.claims.push({ phase, ok: ok === "1", text });
    return true;
  }

  #check(name: string, fields: Map<string, string>): boolean {
    const phase = phaseOf(fields);
    const status = STATUSES.find((one) => one === value(fields, "status"));
    const observed = observedIn(name, value(fields, "observed"));
    if (phase === null || status === undefined || observed === null) return false;
    const evidence = this.#evidenceOf(name, status);
    if (evidence === null) return true;
    const now = this.now();
    const result: PhaseResult = {
      status,
      text: fields.get("text") ?? "",
      observed,
      durationMs: now - this.#since,
    };
    this.#since = now;
    if (this.#begun === name) this.#begun = null;
    const before = evidence.phases.get(phase);
    if (before === undefined) evidence.phases.set(phase, result);
    else
      evidence.faults.push(
        `the result of its ${phase} came twice: ${before.status}, then ${status}`,
      );
    return true;
  }

  /** Null for a check that this boot was not asked for: that is kept as unexpected. */
  #evidenceOf(name: string, status: string): Evidence | null {
    const evidence = this.#evidence.get(name);
    if (evidence !== undefined) return evidence;
    if (!this.unexpected.some((one) => one.name === name))
      this.unexpected.push({ name, known: this.known.has(name), status });
    return null;
  }

  #once<T extends { name: string }>(rows: T[], kind: string, row: T): boolean {
    if (rows.some(({ name }) => name === row.name))
      this.contradictions.push(`the ${kind} "${row.name}" is reported twice`);
    else rows.push(row);
    return true;
  }

  /** The last line logged in the phase of `check`, or of its group, that has no result; null: there was none. */
  lastWords({ name, group }: PlannedCheck): string | null {
    const phase: Phase = this.evidence(name).phases.has("check") ? "control" : "check";
    const of = (begun: string): string | null => this.#lastWords.get(`${begun} ${phase}`) ?? null;
    return of(group ?? name) ?? of(name);
  }

  /** A trap says more than that the domain ended, and an error of the guest's own more than its exit. */
  #heardWords(text: string): void {
    if (this.#begun === null || WORDLESS.test(text)) return;
    this.#lastWords.set(`${this.#begun} ${this.#phase}`, text);
  }

  /** What was said about a check that this boot was asked for. */
  evidence(name: string): Evidence {
    const evidence = this.#evidence.get(name);
    if (evidence === undefined) throw new Error(`${name} was not requested`);
    return evidence;
  }

  /** Checks that lack a result, in the order in which they were asked for. */
  get unfinished(): PlannedCheck[] {
    return this.asked.filter(({ name, control }) => {
      const { phases, faults } = this.evidence(name);
      // What has failed has failed, with or without its control.
      const decided = faults.length > 0 || (phases.get("check")?.status ?? "passed") !== "passed";
      return !decided && (!phases.has("check") || (control && !phases.has("control")));
    });
  }

  /**
   * The checks that were under way when the last record came: one, with those of its group
   * that have no result either. Empty if all have ended.
   */
  get running(): PlannedCheck[] {
    const { unfinished } = this;
    const one =
      unfinished.find(({ name, group }) => this.#begun === name || this.#begun === group) ??
      unfinished.findLast(({ name }) => this.#hasOpenClaims(name)) ??
      unfinished[0];
    if (one === undefined) return [];
    return unfinished.filter(
      (check) => check === one || (check.group !== undefined && check.group === one.group),
    );
  }

  /** Whether the program that runs the checks has said anything at all. */
  get silent(): boolean {
    return !this.#heard;
  }

  #hasOpenClaims(name: string): boolean {
    const { claims, phases } = this.evidence(name);
    return claims.some(({ phase }) => !phases.has(phase));
  }
}

/** What the toolstack says of a domain that has ended, and what is expected of one that continues. */
const WORDLESS = /: the domain ended with reason|: running$|requested at|back at|ready at/;

const READERS: ReadonlySet<string> = new Set([
  "scenario",
  "begin",
  "claim",
  "check",
  "state",
  "stage",
  "series",
]);

/** A field other than `text`, which is escaped. */
function value(fields: Map<string, string>, key: string): string | null {
  return fields.get(key)?.replaceAll("%20", " ").replaceAll("%25", "%") ?? null;
}

function phaseOf(fields: Map<string, string>): Phase | null {
  return PHASES.find((one) => one === fields.get("phase")) ?? null;
}

/** Null if it is not of that form, or names a value twice. */
function observedIn(check: string, text: string | null): Map<string, string> | null {
  const observed = new Map<string, string>();
  if (text === null) return observed;
  for (const part of text.split(",")) {
    const colon = part.indexOf(":");
    const name = colon < 0 ? check : part.slice(0, colon);
    const found = part.slice(colon + 1);
    if (name === "" || found === "" || observed.has(name)) return null;
    observed.set(name, found);
  }
  return observed;
}
