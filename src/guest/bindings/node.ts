// Stands where AssemblyScript's standard library has its bindings to Node: what its own `process` calls, in whose place a
// guest has xenlet's (src/host/build/asc/compile.ts). Another compilation that comes here has its own.

import { process as ours } from "../xenlet/internal/start/process";

export namespace process {
  @lazy export const argv: string[] = ours.argv;

  export function exit(code: i32): void {
    ours.exit(code);
  }
}
