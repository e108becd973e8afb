// A pair: two vCPUs that make calls at once about something that Xen keeps once. It is declared in one place: what they share,
// what each does, which answers are right and why, and what the domain must look like afterwards.
//
// It passes if Xen and the domain live, each answer is among those, the domain is whole, and calls of the two met in Xen. If
// none met it was not run, which is not passed. Its control is the same with one vCPU after the other: there none may meet.

import { commandLineValue } from "xenlet";
import { SHUTDOWN_crash } from "xenlet/raw/abi/sched";
import { freePages } from "xenlet/raw/toolstack";
import { DomainConfig } from "xenlet/toolstack";
import { ScenarioDeclaration } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";
import { whatIsLeft } from "./aftermath";
import { RACE_RUNS, Race } from "./race";

/** The highest event channel port of a domain here: few, so that all can be bound to see that they can. */
export const PORT_LIMIT: u32 = 127;

/** How long a pair runs, in ms, unless dom0's command line says otherwise. */
const DEFAULT_MS = "600";

/** ns that a domain has beyond what it races. */
export const RACE_WITHIN: u64 = 60_000_000_000;

/** How long this boot's pairs run, in ms. */
export function raceMs(): string {
  const ms = commandLineValue("race_ms");
  return ms.length > 0 ? ms : DEFAULT_MS;
}

/** What the domain says at the end: "passed", "failed" or "skipped", and why. */
const OUTCOME = "outcome ";

export class Outcome {
  constructor(
    readonly status: string,
    readonly text: string,
  ) {}
}

export abstract class Pair extends Scenario {
  /** What the domain said. */
  protected outcome: Outcome | null = null;

  constructor(
    declaration: ScenarioDeclaration,
    /** The check's name. */
    readonly check: string,
  ) {
    super(declaration);
  }

  configure(config: DomainConfig): void {
    config.commandLine += " race_ms=" + raceMs();
    config.kind.maxEvtchnPort = PORT_LIMIT;
    config.kind.grantVersion = 2;
  }

  /** Runs in the domain: sets up what the two share, and what each does. */
  abstract build(race: Race): void;

  /** Runs in the domain, when both are done: complains of what is not as it must be. */
  whole(race: Race): void {}

  guest(side: GuestSide): void {
    const race = new Race(side.control, U64.parseInt(raceMs()));
    this.build(race);
    if (race.run()) this.whole(race);
    const outcome = this.judge(side.control, race);
    this.tell(outcome.status, outcome.text);
  }

  /** Runs in the domain: its last words. */
  protected tell(status: string, text: string): void {
    console.log(OUTCOME + status + " " + text);
  }

  /** What the race alone comes to. */
  judge(control: bool, race: Race): Outcome {
    const fault = race.fault();
    const told = race.describe();
    if (fault.length > 0) return new Outcome("failed", fault + " (" + told + ")");
    if (race.met > 0) return new Outcome("passed", told);
    if (control) return new Outcome("failed", "one after the other, no call met another: " + told);
    return new Outcome("skipped", "not run: no call met another (" + told + ")");
  }

  onLine(side: ToolstackSide, line: string): void {
    if (!line.startsWith(OUTCOME)) return;
    const rest = line.substring(OUTCOME.length);
    const space = rest.indexOf(" ");
    this.outcome = new Outcome(rest.substring(0, space), rest.substring(space + 1));
  }

  toolstack(side: ToolstackSide): void {
    side.deadline = RACE_WITHIN + RACE_RUNS * U64.parseInt(raceMs()) * 1_000_000;
    const before = freePages();
    side.create();
    side.serve();
    this.report(side, before);
  }

  /** The domain is at its end, and goes: what it said, unless something is wrong with what it left. `before`: freePages(). */
  protected report(side: ToolstackSide, before: i64): void {
    const told = this.outcome;
    const left = whatIsLeft(side, before, PORT_LIMIT);
    if (side.reason == SHUTDOWN_crash) side.check(this.check, false, "Xen crashed the domain");
    else if (!told) side.check(this.check, false, "the domain came to no result");
    else if (told.status != "failed" && left.length > 0)
      side.check(this.check, false, left + " (" + told.text + ")");
    else if (told.status == "skipped") side.skip(this.check, told.text);
    else side.check(this.check, told.status == "passed", told.text);
  }
}
