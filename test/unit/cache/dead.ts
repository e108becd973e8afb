/** A mark like those of a process that has ended: the mark of this one, with another process's numbers. */
import { execa } from "execa";

import { ownerMark } from "../../../src/host/cache/owner.js";

export async function markOfTheDead(): Promise<string> {
  const { stdout } = await execa("sh", ["-c", "cut -d ' ' -f 1,22 /proc/$$/stat"]);
  const [pid, start] = stdout.split(" ");
  return ownerMark().replace(/^\.p\d+-\d+-/, `.p${pid}-${start}-`);
}
