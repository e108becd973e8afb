// Stands where AssemblyScript's standard library has its bindings to Node: what its own `process` calls, in whose place a
// guest has xenlet's (src/host/build/asc/compile.ts). Whoever comes here by another way has what that one has.

import { process as ours } from "../xenlet/internal/start/process";

export namespace process {
  @lazy export const argv: string[] = ours.argv;

  export function exit(code: i32): void {
    ours.exit(code);
  }
}
