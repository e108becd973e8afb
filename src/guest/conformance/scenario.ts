// A scenario: what one domain does before, around and after a soft reset, and what its toolstack looks at meanwhile.
// Both sides are in one file and in one program, which is dom0 in one domain and the guest in another.
//
// A scenario makes checks. Each has a name that stays, and turns on something that differs with the reset and
// without. That it does is shown by its control: the same scenario once more, and now either the toolstack leaves
// the reset out (XEN_DOMCTL_resumedomain alone), or, for what holds either way, the scenario breaks on purpose what
// the check is about. Then the check has to fail.

import { DomainConfig } from "xenlet/toolstack";
import { ScenarioDeclaration } from "./declare";
import { GuestSide } from "./guest-side";
import { ToolstackSide } from "./toolstack-side";

export abstract class Scenario {
  constructor(readonly declaration: ScenarioDeclaration) {}

  get name(): string {
    return this.declaration.name;
  }

  /** Whether the domain of the control is reset as well: then it differs by what the scenario breaks. */
  get controlIsReset(): bool {
    return false;
  }

  /** More of the domain that it wants than its declaration says. */
  configure(config: DomainConfig): void {}

  /** Runs in the domain. Whatever it still has to say must be said before it returns: the domain powers off then. */
  guest(side: GuestSide): void {}

  /** Runs in dom0: the whole of the toolstack's part. By default it lets the domain run to its end. */
  toolstack(side: ToolstackSide): void {
    side.create();
    side.serve();
  }

  /** Runs in dom0: the domain wrote a line to its console that is no check's result. */
  onLine(side: ToolstackSide, line: string): void {}

  /** Runs in dom0, called by serve(): the domain stands still (GuestSide.stop()), and goes on afterwards. */
  onStop(side: ToolstackSide): void {}

  /** Runs in dom0, called by serve(): the domain has asked for a soft reset. Whether it goes on. */
  onSoftReset(side: ToolstackSide): bool {
    return side.resetOrResume() == 0;
  }
}
