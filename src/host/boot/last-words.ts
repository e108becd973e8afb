/**
 * What a silent machine is asked before it is ended: where each physical CPU is (QEMU's `info registers`), and
 * then, by an NMI, for Xen's own stack. Xen has to be told what an NMI is to it: `nmi=fatal` makes a panic of it, which names the
 * function (do_nmi, xen/arch/x86/traps.c).
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MachineProcess } from "./qemu.js";
import { Qmp } from "./qmp.js";

/** The reason for aborting a boot that prints nothing. */
export class SilentBoot extends Error {
  /** What the machine was at; empty if it was not asked. */
  lastWords = "";
}

/** How long QEMU and Xen have for an answer. */
const ANSWER_WITHIN_MS = 3000;
const LOOK_EVERY_MS = 50;

/** "CPU#0 at 0xffff82d040234567", for each in that text. */
export function placesIn(registers: string): string[] {
  return [...registers.matchAll(/^CPU#(\d+)[\s\S]*?\b[RE]IP=([0-9a-f]+)/gm)].map(
    ([, cpu = "", rip = ""]) => `CPU#${cpu} at 0x${rip.replace(/^0+(?=.)/, "")}`,
  );
}

export interface LastWordsOptions {
  /** Keeps lines beside what Xen says. */
  log: (line: string) => void;
  /** Xen's panic, once it has come. */
  panic: () => string | null;
}

/** Asks; never rejects, and takes no longer than a few seconds. What was found, in one sentence. */
export async function askLastWords(
  machine: MachineProcess,
  { log, panic }: LastWordsOptions,
): Promise<string> {
  const { socket } = machine;
  if (socket === null) return "";
  const ask = async (): Promise<string> => {
    const qmp = new Qmp(socket);
    await qmp.execute("qmp_capabilities");
    const command = { "command-line": "info registers -a" };
    const registers = String(await qmp.execute("human-monitor-command", command));
    for (const line of registers.trimEnd().split(/\r?\n/)) log(`# ${line}`);
    const places = placesIn(registers).join(", ");
    log("# NMI");
    await qmp.execute("inject-nmi");
    for (let waited = 0; waited < ANSWER_WITHIN_MS && panic() === null; waited += LOOK_EVERY_MS)
      await sleep(LOOK_EVERY_MS);
    const said = panic();
    return `${places}; ${said === null ? "it did not respond to an NMI" : `after an NMI Xen printed: ${said}`}`;
  };
  const late = sleep(2 * ANSWER_WITHIN_MS, "QEMU's monitor did not respond", { ref: false });
  try {
    return await Promise.race([ask(), late]);
  } catch (error) {
    return `QEMU could not be queried: ${error instanceof Error ? error.message : String(error)}`;
  }
}
