import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { createProgress } from "../../src/host/base/progress.js";
import { providePackages } from "../../src/host/debian/index.js";

/** Debian's gdb, run from the cache with its own libraries: its arguments to what it prints. */
export async function gdb(): Promise<(args: string[]) => Promise<string>> {
  const { root } = await providePackages(
    ["gdb-minimal"],
    "bookworm",
    createProgress(process.stderr, { quiet: true }),
    { closure: true },
  );
  const at = (path: string): string => join(root, path);
  const libraries = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map(at).join(":");
  const start = [
    ...["--library-path", libraries, at("usr/bin/gdb")],
    ...["-nx", "-batch", "-ex", "set confirm off", "-ex", "set tcp connect-timeout 20"],
  ];
  return async (args) => {
    const run = promisify(execFile)(
      at("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
      [...start, ...args],
      { timeout: 60_000 },
    );
    run.child.stdin?.end();
    const { stdout, stderr } = await run;
    return stdout + stderr;
  };
}
