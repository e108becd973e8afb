// Reads what is typed on Xen's console, and says it, until a line ends; with `ms=N`, for N ms at most.

import { PollWake, checked, commandLineValue, evtchn, sched, systemTime } from "xenlet";
import { consoleIo } from "xenlet/raw/console-io";
import { VIRQ_CONSOLE } from "xenlet/raw/abi/xen";

const SIZE = 64;
const buffer = heap.alloc(SIZE);
let typed = "";

const port = <u32>checked("VIRQ_CONSOLE", evtchn.bindVirq(VIRQ_CONSOLE));
const ports: StaticArray<u32> = [port];
const ms = <u64>I64.parseInt(commandLineValue("ms", "0"));
const deadline = ms == 0 ? 0 : systemTime() + ms * 1000000;
let empty = 0;
while (!typed.endsWith("\n") && !typed.endsWith("\r")) {
  evtchn.clear(port);
  const count = <i32>checked("CONSOLEIO_read", consoleIo.read(buffer, SIZE));
  typed += String.UTF8.decodeUnsafe(buffer, count);
  if (count > 0) continue;
  empty++;
  if (sched.poll(ports, deadline) == PollWake.DEADLINE) break;
}
console.log("typed: " + typed.trimEnd());
/* A byte typed is one event at most. */
console.log(
  "reads that found nothing: " + (empty <= typed.length + 1 ? "no more than waits" : empty.toString()),
);

const reply = String.UTF8.encode("by console_io\n");
console.log("CONSOLEIO_write = " + consoleIo.write(changetype<usize>(reply), reply.byteLength).toString());
