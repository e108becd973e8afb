// A soft reset of a domain that is being destroyed: it stays for as long as a page of it is mapped. The boot module is
// test/boot/guest/domu.ts. With `reset=0` the reset is left out.

import { commandLineValue, systemTime, waitForEvents } from "xenlet";
import { describeResult } from "xenlet/raw/errno";
import { DomainConfig, Guest, guestFiles, Image, onConsoleLine } from "xenlet/toolstack";
import { CONSOLE_GFN, mapFrame, unmapFrame } from "xenlet/raw/toolstack";

const MS: u64 = 1_000_000;

function serveUntil(deadline: u64): void {
  while (systemTime() < deadline) waitForEvents(deadline);
}

onConsoleLine((domid: u16, line: string) => {});
const config = new DomainConfig();
config.commandLine = "do=request";
const guest = new Guest(config, new Image(guestFiles()[0]));
const domain = guest.domain;
domain.unpause();
while (!domain.info().isShutdown) serveUntil(systemTime() + MS);

const held = mapFrame(domain.id, CONSOLE_GFN);
guest.destroy();
domain.pause();
console.log("dying: " + domain.info().isDying.toString());
if (commandLineValue("reset") != "0")
  console.log("XEN_DOMCTL_soft_reset = " + describeResult(domain.softReset()));
unmapFrame(held);
serveUntil(systemTime() + 200 * MS);
console.log("Xen is still there");
