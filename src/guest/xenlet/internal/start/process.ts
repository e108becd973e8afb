// JavaScript's `process`, in the place of AssemblyScript's own: asc's --use (src/host/build/asc/compile.ts).

import { exit as end } from "./runtime";
import { BootData, bootStrings } from "./start-info";
import { systemTime, wallClock } from "../time/time";

function environment(): Map<string, string> {
  const variables = bootStrings(BootData.VARIABLES);
  const map = new Map<string, string>();
  for (let i = 0; i < variables.length; i++) {
    const equals = variables[i].indexOf("=");
    map.set(variables[i].substring(0, equals), variables[i].substring(equals + 1));
  }
  return map;
}

export namespace process {
  @lazy export const arch: string = "wasm32";
  @lazy export const platform: string = "wasm";

  /** What the program is called by, and its arguments; where none were given, the words of Xen's command line. */
  @lazy export const argv: string[] = bootStrings(BootData.ARGUMENTS);

  /** What `--env` gave; of several values for one name the last. */
  @lazy export const env: Map<string, string> = environment();

  /** What a program that comes to its end, or calls exit() without a code, ends with. Its lowest 8 bits count. */
  @lazy export let exitCode: i32 = 0;

  /** Ends the guest with that code, 0..255. */
  export function exit(code: i32 = exitCode): void {
    end(code);
  }

  /** Milliseconds since 1970-01-01 UTC. */
  export function time(): i64 {
    return wallClock() / 1_000_000;
  }

  /** Nanoseconds of Xen's system time. */
  export function hrtime(): u64 {
    return systemTime();
  }
}
