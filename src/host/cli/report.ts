/** A boot's result, for people (stderr) and for programs (--json). */
import type { BuildResult } from "../build/build.js";
import type { BootResult } from "../boot/boot.js";
import type { Qemu } from "../debian/index.js";
import { formatMs } from "../boot/stages.js";
import { nameXen } from "../boot/xen-name.js";

/** What a run comes to, one line each; after a good run just one. */
export function describeRun(result: BootResult): string[] {
  const where = `${nameXen(result.xen)}, ${formatMs(result.durationMs)}`;
  const lines = [`xenlet: ${result.message} (${where})`];
  if (result.logTrouble !== null) lines.push(`  the log was not kept: ${result.logTrouble}`);
  if (result.verdict === "exit") return lines;
  for (const frame of result.trap?.frames ?? []) lines.push(`    at ${frame.text}`);
  for (const damage of result.damage) lines.push(`  ${damage.message}`);
  if (result.hint !== undefined) lines.push(`  try: ${result.hint}`);
  lines.push(`  last stage reached: ${result.stage}`);
  if (result.log !== null) lines.push(`  log: ${result.log}`);
  if (result.tail.length > 0) lines.push("  the console's last lines:");
  for (const line of result.tail) lines.push(`    ${printable(line)}`);
  return lines;
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
