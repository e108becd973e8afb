// Stands where AssemblyScript's standard library has its bindings to Node: what its `process` calls.

import { commandLine } from "../xenlet/start_info";
import { exit as end } from "../xenlet/runtime";

export namespace process {
  /** The words of the command line. */
  @lazy export const argv: string[] = commandLine().split(" ");

  export function exit(code: i32): void {
    end(code);
  }
}
