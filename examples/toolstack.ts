// A toolstack in a page: makes a domain of the boot module, soft-resets it when it asks, and says how it
// ended. It is Xen's dom0:
//
//   xenlet build examples/hello.ts -o hello.elf
//   xenlet run --on dom0 --module hello.elf examples/toolstack.ts

import { checked, evtchn, SHUTDOWN_soft_reset, waitForEvents } from "xenlet";
import { VIRQ_DOM_EXC } from "xenlet/raw/abi/xen";
import { DomainConfig, Guest, guestFiles, Image, onConsoleLine, Store } from "xenlet/toolstack";

onConsoleLine((domid: u16, line: string) => {
  console.log("d" + domid.toString() + " says: " + line);
});

// Xen tells by it that a domain has shut down, and ends waitForEvents().
evtchn.unmask(<u32>checked("VIRQ_DOM_EXC", evtchn.bindVirq(VIRQ_DOM_EXC)));

const config = new DomainConfig();
config.memoryMiB = 16;
config.kind.vcpus = 1;
config.commandLine = "generation=1";
const guest = new Guest(config, new Image(guestFiles()[0]), new Store());

let info = guest.domain.info();
console.log("d" + guest.domain.id.toString() + " has " + info.totPages.toString() + " pages");
checked("XEN_DOMCTL_unpausedomain", guest.domain.unpause());
while (true) {
  waitForEvents();
  info = guest.domain.info();
  if (!info.isShutdown) continue;
  if (info.reason != SHUTDOWN_soft_reset || guest.softReset() < 0) break;
  console.log("d" + guest.domain.id.toString() + " was reset");
}
guest.destroy();
console.log("d" + guest.domain.id.toString() + " ended with reason " + info.reason.toString());
