// A scenario: what one domain does before, around and after a soft reset, and what its toolstack looks at meanwhile.
// Both sides are in one file and in one program, which is dom0 in one domain and the guest in another.
//
// A scenario makes checks. Each has a name that stays, and turns on something that differs with the reset and
// without. That it does is shown by its control: the same scenario once more, and now either the toolstack leaves
// the reset out (XEN_DOMCTL_resumedomain alone), or, for what holds either way, the scenario breaks on purpose what
// the check is about. Then the check has to fail.

import { GuestSide } from "./guest-side";
import { ToolstackPart } from "./toolstack-side";

export abstract class Scenario extends ToolstackPart {
  /** Whether the domain of the control is reset as well: then it differs by what the scenario breaks. */
  get controlIsReset(): bool {
    return false;
  }

  /** Runs in the domain. Whatever it still has to say must be said before it returns: the domain powers off then. */
  guest(side: GuestSide): void {}
}
