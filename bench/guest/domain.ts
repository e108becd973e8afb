// What a domain costs from the moment it may run until it has ended, Xen included: by dom0's clock, which under -icount counts
// instructions. The boot module is its image.

import { checked, evtchn, measure, systemTime, waitForEvents } from "xenlet";
import { VIRQ_DOM_EXC } from "xenlet/raw/abi/xen";
import { DomainConfig, Guest, Image, guestFiles, onConsoleLine } from "xenlet/toolstack";

// Counted and not passed on: what dom0 prints is not what is measured.
let lines = 0;
onConsoleLine((domid: u16, line: string) => {
  lines++;
});
evtchn.unmask(<u32>checked("VIRQ_DOM_EXC", evtchn.bindVirq(VIRQ_DOM_EXC)));
const config = new DomainConfig();
config.memoryMiB = 16;
const guest = new Guest(config, new Image(guestFiles()[0]));
const before = systemTime();
const start = systemTime();
checked("XEN_DOMCTL_unpausedomain", guest.domain.unpause());
// Xen has one CPU here, and lets a domain that wakes up go first: dom0 is back when that one waits or has ended.
let end = systemTime();
while (!guest.domain.info().isShutdown) {
  waitForEvents();
  end = systemTime();
}
guest.finishConsole();
measure("domain", <f64>(end - start - (start - before)), "ns");
measure("lines", lines, "lines");
guest.destroy();
process.exit();
