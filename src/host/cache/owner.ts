// Whose is it? What a process is making, or keeps for a moment only, has a mark of that process in its name, so that a
// later one can tell what a killed process left from what a running one works on. The mark is not a file inside:
// a folder and its mark appear in one step.

import { readFileSync, readlinkSync } from "node:fs";

/** An owner that cannot be checked (on another machine, in another container, before a reboot) is judged by age. */
const STRANGE_MS = 24 * 60 * 60 * 1000;

const MARK = /\.p(\d+)-(\d+)-([0-9a-f]+)\./;

/** When that process started, in ticks since the boot: a process ID alone comes back. Null if there is none. */
function startOf(pid: number): string | null {
  try {
    // proc(5): the second field is a name in parentheses, which may have blanks in it; start time is the 22nd.
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

/** Where process IDs mean the same: this boot of this machine, this PID namespace. */
function scope(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
    const namespace = /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
    return boot + BigInt(namespace).toString(16);
  } catch {
    return "0";
  }
}

let own: { mark: string; scope: string } | undefined;

function self(): { mark: string; scope: string } {
  if (own === undefined) {
    const here = scope();
    own = { mark: `.p${process.pid}-${startOf(process.pid) ?? "0"}-${here}.`, scope: here };
  }
  return own;
}

/** To stand in the name of what this process works on: ".p1234-567-89abcdef0.". */
export const ownerMark = (): string => self().mark;

/**
 * Whether what has this name and time (of its last change, in ms) was left by a process that has ended. False for a
 * name without a mark.
 */
export function isAbandoned(name: string, mtimeMs: number): boolean {
  const [, pid, start, where] = MARK.exec(name) ?? [];
  if (pid === undefined) return false;
  if (where !== self().scope || where === "0") return Date.now() - mtimeMs > STRANGE_MS;
  return startOf(Number(pid)) !== start;
}
