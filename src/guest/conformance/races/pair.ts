// A pair: two vCPUs that make calls at once about something that Xen keeps once. It is declared in one place: what they share,
// what each does, which answers are right and why, and what the domain must look like afterwards.
//
// It passes if Xen and the domain live, each answer is among those, the domain is whole, and calls of the two met in Xen. If
// none met it was not run, which is not passed. Its control is the same with one vCPU after the other: there none may meet.

import { commandLineValue } from "xenlet";
import { DomainConfig } from "xenlet/toolstack";
import { ScenarioDeclaration } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";
import { Race } from "./race";

/** The highest event channel port of a domain here: few, so that all can be bound to see that they can. */
export const PORT_LIMIT: u32 = 127;

/** How long a pair runs, in ms, where dom0's command line says nothing else. */
const DEFAULT_MS = "600";

export abstract class Pair extends Scenario {
  constructor(
    declaration: ScenarioDeclaration,
    /** The check's name. */
    readonly check: string,
  ) {
    super(declaration);
  }

  configure(config: DomainConfig): void {
    const ms = commandLineValue("race_ms");
    config.commandLine += " race_ms=" + (ms.length > 0 ? ms : DEFAULT_MS);
    config.kind.maxEvtchnPort = PORT_LIMIT;
    config.kind.grantVersion = 2;
  }

  /** Runs in the domain: sets up what the two share, and what each does. */
  abstract build(race: Race): void;

  /** Runs in the domain, when both are done: complains of what is not as it must be. */
  whole(race: Race): void {}

  guest(side: GuestSide): void {
    const race = new Race(side.control);
    this.build(race);
    if (race.run()) this.whole(race);
    const fault = race.fault();
    const told = race.describe();
    if (fault.length > 0) side.check(this.check, false, fault + " (" + told + ")");
    else if (race.met > 0) side.check(this.check, true, told);
    else if (side.control) side.check(this.check, false, "one after the other, no call met another: " + told);
    else side.skip(this.check, "not run: no call met another (" + told + ")");
  }

  toolstack(side: ToolstackSide): void {
    side.deadline = 60_000_000_000;
    side.create();
    side.serve();
    if (side.reason == 3) side.check(this.check, false, "Xen crashed the domain");
  }
}
