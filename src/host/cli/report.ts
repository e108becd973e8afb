/** A boot's result, for people (stderr) and for programs (--json). */
import type { BuildResult } from "../build/build.js";
import type { BootResult } from "../boot/boot.js";
import type { Qemu } from "../debian/index.js";
import { backtraceTexts } from "../protocol/trap.js";
import { nameXen } from "../boot/xen-name.js";
import { gdbCommand, type Debugged } from "./gdb-command.js";
import { formatMs } from "../base/text.js";

/** A line of a record: src/host/protocol/record.ts. */
const RECORD = /~(?:x1|again) /;

/**
 * What a run comes to, one line each; after a good run just one. `verbose`: with the console's last lines as they came,
 * and every frame. Otherwise Xen's own are printed only for a run that ended before the guest's code ran, or by Xen's panic. `of`: for
 * the command that opens a core.
 */
export function describeRun(result: BootResult, verbose = false, of?: Debugged): string[] {
  const where = `${nameXen(result.xen)}, ${formatMs(result.durationMs)}`;
  const lines = [`xenlet: ${result.message} (${where})`];
  if (result.logError !== null) lines.push(`  the log was not kept: ${result.logError}`);
  if (result.verdict === "exit") return lines;
  const frames = result.trap?.frames ?? [];
  for (const text of verbose ? frames.map((frame) => frame.text) : backtraceTexts(frames))
    lines.push(text.startsWith("…") ? `    ${text}` : `    at ${text}`);
  for (const damage of result.damage) lines.push(`  ${damage.message}`);
  if (result.hint !== undefined) lines.push(`  try: ${result.hint}`);
  lines.push(`  last stage reached: ${result.stage}`);
  if (result.core !== null) lines.push(`  core: ${result.core}`);
  if (result.core !== null && of !== undefined)
    lines.push(`  open it: ${gdbCommand(of, { core: result.core })}`);
  if (result.coreTrouble !== null) lines.push(`  no core: ${result.coreTrouble}`);
  if (result.log !== null) lines.push(`  log: ${result.log}`);
  const tail = verbose ? result.tail : telling(result);
  if (tail.length > 0) lines.push("  the console's last lines:");
  for (const line of tail) lines.push(`    ${printable(line)}`);
  return lines;
}

/** The lines of the console that say why, where no sentence does. */
function telling({ tail, trap, stage, ended }: BootResult): string[] {
  const guestRan = stage === "runtime" || stage === "verdict";
  if (trap !== null || (guestRan && ended?.how !== "panic")) return [];
  return tail.filter((line) => !RECORD.test(line));
}

/** The guest's bytes must not steer the terminal. */
export function printable(line: string): string {
  return line.replaceAll(/[^ -~\t]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

export function runDocument(
  result: BootResult,
  of: { image: string; build: BuildResult | null; qemu: Qemu },
): unknown {
  const { version, origin } = of.qemu;
  return { ...result, image: of.image, build: of.build, qemu: { version, origin } };
}
