// Stands where AssemblyScript's standard library has its bindings to Node: what its `process` calls.

import { commandLine } from "../xenlet/internal/start/start-info";
import { exit as end } from "../xenlet/internal/start/runtime";

/** What the harness, or a kernel that jumped here, puts before a guest's own words (docs/records.md, docs/kexec.md). */
function isHarness(word: string): bool {
  return (
    word.startsWith("nonce=") ||
    word.startsWith("on=") ||
    word.startsWith("seq=") ||
    word.startsWith("quiet=")
  );
}

function argumentsOf(line: string): string[] {
  const words = line.split(" ");
  let own = 0;
  while (own < words.length && isHarness(words[own])) own++;
  const all = [words.slice(0, own).join(" ")];
  for (let i = own; i < words.length; i++) if (words[i].length > 0) all.push(words[i]);
  return all;
}

export namespace process {
  /** The words of the command line that are the guest's own, from [1]; [0] is what stands before them. */
  @lazy export const argv: string[] = argumentsOf(commandLine());

  export function exit(code: i32): void {
    end(code);
  }
}
