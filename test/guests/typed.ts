// Reads what is typed on Xen's console, and says it, until a line ends.

import { checked, evtchn, sched } from "xenlet";
import { consoleIo } from "xenlet/console-io";
import { VIRQ_CONSOLE } from "xenlet/abi/xen";

const SIZE = 64;
const buffer = heap.alloc(SIZE);
let typed = "";

const port = <u32>checked("VIRQ_CONSOLE", evtchn.bindVirq(VIRQ_CONSOLE));
const ports: StaticArray<u32> = [port];
let waits = 0;
while (!typed.endsWith("\n") && !typed.endsWith("\r")) {
  evtchn.clear(port);
  const count = <i32>checked("CONSOLEIO_read", consoleIo.read(buffer, SIZE));
  typed += String.UTF8.decodeUnsafe(buffer, count);
  if (count > 0) continue;
  waits++;
  sched.poll(ports);
}
console.log("typed: " + typed.trimEnd());
console.log("slept for it: " + (waits > 0).toString());

const reply = String.UTF8.encode("by console_io\n");
console.log("CONSOLEIO_write = " + consoleIo.write(changetype<usize>(reply), reply.byteLength).toString());
