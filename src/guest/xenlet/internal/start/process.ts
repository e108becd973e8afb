// JavaScript's `process`, in the place of AssemblyScript's own: asc's --use (src/host/build/asc/compile.ts).

import { input_read, output_write } from "../intrinsics";
import { exit as end } from "./runtime";
import { BootData, bootStrings } from "./start-info";
import { systemTime, wallClock } from "../time/time";

/** A standard stream, by its descriptor: not an object in memory, as in AssemblyScript's shim for WASI. */
@unmanaged
abstract class Stream {}

@unmanaged
abstract class WritableStream extends Stream {
  /** Writes a string (as UTF-8) or an ArrayBuffer, as it is: no line's end is added, and nothing is kept back. */
  write<T>(data: T): void {
    const isError: u32 = changetype<usize>(this) == 2 ? 1 : 0;
    if (isString<T>()) {
      const text = changetype<string>(data);
      const bytes = new ArrayBuffer(String.UTF8.byteLength(text));
      String.UTF8.encodeUnsafe(
        changetype<usize>(text),
        text.length,
        changetype<usize>(bytes),
        false,
        String.UTF8.ErrorMode.REPLACE,
      );
      output_write(isError, changetype<usize>(bytes), bytes.byteLength);
    } else {
      const bytes = changetype<ArrayBuffer>(data);
      output_write(isError, changetype<usize>(bytes), bytes.byteLength);
    }
  }
}

@unmanaged
abstract class ReadableStream extends Stream {
  /**
   * Reads available bytes into `buffer` from `offset` on, and waits if there are none. Returns their number; 0 at
   * the input's end. Nothing else runs meanwhile: no timer, no handler of an event.
   */
  read(buffer: ArrayBuffer, offset: isize = 0): i32 {
    if (offset < 0 || offset > <isize>buffer.byteLength) throw new RangeError("Index out of range");
    return <i32>input_read(changetype<usize>(buffer) + offset, buffer.byteLength - <i32>offset);
  }
}

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

  @lazy export const stdin: ReadableStream = changetype<ReadableStream>(0);
  @lazy export const stdout: WritableStream = changetype<WritableStream>(1);
  @lazy export const stderr: WritableStream = changetype<WritableStream>(2);

  /** The exit code of a program that runs to its end or calls exit() without a code. Its lowest 8 bits count. */
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
