// Grants. The 2015 change names active grant mappings among what a new kernel meets, and a soft reset does not clean them:
// Xen only counts them, and says so in its log ("active grant", grant_table_warn_active_grants() in
// xen/common/grant_table.c). Whoever has a frame mapped keeps it, can read and write what is by then the next kernel's
// memory, and the entry stays in use. So a kernel has to have its backends unmap before it asks. Here dom0 is the backend
// that does not.
//
// In the control dom0 unmaps before the reset.

import { load32, store32, shared_alloc, frame_of } from "xenlet/intrinsics";
import { grant } from "xenlet/grant";
import { readConsoleRing } from "xenlet/toolstack/domctl";
import { GrantMapping } from "xenlet/toolstack/grant-mapping";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const FROM_GUEST: u32 = 0x5eed0003;
const FROM_DOM0: u32 = 0x5eed0004;
const GRANTED = "granted ";

export class Grants extends Scenario {
  private mapping: GrantMapping | null = null;

  constructor() {
    super("grants");
  }

  guest(side: GuestSide): void {
    const page = shared_alloc(1);
    store32(page, FROM_GUEST);
    const ref = grant.access(0, frame_of(page));
    console.log(GRANTED + ref.toString());
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    const written = load32(page + 4);
    side.attach();
    const used = grant.inUse(ref);
    const ended = grant.end(ref);
    side.same(
      "grants/mapping-writes",
      "what dom0 wrote through its mapping after the reset",
      written,
      FROM_DOM0,
    );
    side.check("grants/entry-in-use", used, "the entry is " + (used ? "" : "not ") + "marked as in use");
    side.check("grants/cannot-be-ended", !ended, "the grant can" + (ended ? "" : "not") + " be ended");
    /* For the next part it has to be there again. */
    const again = ended ? grant.access(0, frame_of(page)) : ref;
    if (ended) console.log(GRANTED + again.toString());
    side.reset();
    const free = !grant.inUse(again);
    side.check(
      "grants/ends-when-unmapped",
      free,
      "when dom0 has unmapped it, it is " + (free ? "not " : "") + "in use",
    );
  }

  onLine(side: ToolstackSide, line: string): void {
    if (line.startsWith(GRANTED))
      this.mapping = GrantMapping.map(side.guest.domain.id, <u32>parseInt(line.substring(GRANTED.length)));
  }

  onSoftReset(side: ToolstackSide): bool {
    const mapping = this.mapping;
    if (!mapping) throw new Error("the guest granted nothing");
    /* The second time the other way round: unmapped here, and still mapped in the control. */
    if ((side.resets == 1) == side.control) mapping.unmap();
    readConsoleRing();
    const result = side.guest.domain.pause() | side.guest.domain.softReset();
    const log = readConsoleRing();
    if (side.resets == 1) {
      const word = mapping.isMapped ? load32(mapping.page) : 0;
      if (mapping.isMapped) store32(mapping.page + 4, FROM_DOM0);
      side.same(
        "grants/mapping-reads",
        "what dom0 reads through its mapping after the reset",
        word,
        FROM_GUEST,
      );
      const warned = log.includes("active grant");
      side.check(
        "grants/logged",
        warned,
        "Xen's log has " + (warned ? "a" : "no") + ' line of an "active grant"',
      );
    }
    side.guest.reconnect();
    return result == 0 && side.guest.domain.unpause() == 0;
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    side.serve();
    const mapping = this.mapping;
    if (mapping && mapping.isMapped) mapping.unmap();
  }
}
