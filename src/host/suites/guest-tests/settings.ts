/**
 * What a guest's test file says of the machine it needs, in a comment of its
 * own line before its first statement:
 *
 *     // @xenlet on=dom0 vcpus=4 pcpus=4 mem=256 timeout=60 test-timeout=20 cmdline=words to the line's end
 *
 * Times are in seconds, memory in MiB. Several such lines add up.
 */
import { readFile } from "node:fs/promises";
import { UserError } from "../../base/errors.js";
import { WAYS, type Way } from "../../boot/boot.js";
import { MAX_MEMORY_MIB, MAX_PCPUS, MAX_VCPUS, MIN_MEMORY_MIB } from "../../boot/qemu.js";
import { MAX_TIMEOUT_MS } from "../../boot/stages.js";

export interface FileSettings {
  vcpus?: number;
  pcpus?: number;
  memoryMiB?: number;
  timeoutMs?: number;
  testTimeoutMs?: number;
  cmdline?: string;
  /** The one way to run that the file is for. */
  on?: Way;
}

/** Throws a UserError for a file that cannot be read, and for an unknown setting. */
export async function readSettings(file: string): Promise<FileSettings> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new UserError(`cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return parseSettings(text, file);
}

export function parseSettings(text: string, file: string): FileSettings {
  const settings: FileSettings = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (!/^\s*(\/\/.*)?$/.test(line)) break; // the comments at the top are over
    const words = /^\s*\/\/ *@xenlet\s+(?<words>.*?)\s*$/.exec(line)?.groups?.["words"];
    if (words === undefined) continue;
    const refuse = (what: string): never => {
      throw new UserError(
        `${file}:${index + 1}: ${what}; expected on=, vcpus=, pcpus=, mem= (MiB), timeout=, test-timeout= (seconds), or cmdline= as the last`,
      );
    };
    for (const [key, value] of split(words)) set(settings, key, value, refuse);
  }
  return settings;
}

/** `cmdline=` takes the rest. */
function split(words: string): [key: string, value: string | null][] {
  const [, before = "", cmdline] = /^(.*?)(?:(?<![^ ])cmdline=(.*))?$/.exec(words) ?? [];
  const pairs = before
    .split(" ")
    .filter((word) => word !== "")
    .map((word): [string, string | null] => {
      const at = word.indexOf("=");
      return at < 0 ? [word, null] : [word.slice(0, at), word.slice(at + 1)];
    });
  return cmdline === undefined ? pairs : [...pairs, ["cmdline", cmdline]];
}

function set(
  settings: FileSettings,
  key: string,
  value: string | null,
  refuse: (what: string) => never,
): void {
  const number = (least: number, most: number, scale = 1): number => {
    const found = value !== null && /^\d{1,9}(\.\d{1,3})?$/.test(value) ? Number(value) : NaN;
    const scaled = Math.round(found * scale);
    if (!(scaled >= least && scaled <= most) || (scale === 1 && scaled !== found))
      return refuse(`${key}=${value ?? ""} is not in ${least / scale}..${most / scale}`);
    return scaled;
  };
  switch (key) {
    case "on": {
      const way = WAYS.find((known) => known === value);
      if (way === undefined) return refuse(`on=${value ?? ""} is not one of ${WAYS.join(", ")}`);
      settings.on = way;
      return;
    }
    case "vcpus":
      settings.vcpus = number(1, MAX_VCPUS);
      return;
    case "pcpus":
      settings.pcpus = number(1, MAX_PCPUS);
      return;
    case "mem":
      settings.memoryMiB = number(MIN_MEMORY_MIB, MAX_MEMORY_MIB);
      return;
    case "timeout":
      settings.timeoutMs = number(1, MAX_TIMEOUT_MS, 1000);
      return;
    case "test-timeout":
      settings.testTimeoutMs = number(1, MAX_TIMEOUT_MS, 1000);
      return;
    case "cmdline":
      settings.cmdline = value ?? "";
      return;
    default:
      refuse(`unknown setting "${key}"`);
  }
}
