/** This process's arguments as the kernel has them: Node decodes them as UTF-8, which loses other bytes. */
import { readFileSync } from "node:fs";
import type { Text } from "../elf/run-block.js";

/** `words`: the last of them, as Node has them. Those that are no UTF-8 come as bytes. */
export function argumentsAsGiven(words: string[]): Text[] {
  if (!words.some((word) => word.includes("\ufffd"))) return words;
  const all = splitAtNul(readFileSync("/proc/self/cmdline")).slice(-words.length);
  const same = all.every((bytes, index) => bytes.toString() === words[index]);
  return same && all.length === words.length ? all : words;
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let begin = 0; begin < bytes.length;) {
    const end = bytes.indexOf(0, begin);
    parts.push(bytes.subarray(begin, end < 0 ? bytes.length : end));
    begin = end < 0 ? bytes.length : end + 1;
  }
  return parts;
}
