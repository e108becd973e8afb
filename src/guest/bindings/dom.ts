// Stands where AssemblyScript's standard library has its bindings to a browser: what its `console`,
// `performance` and `Date` call. So a plain AssemblyScript program is a guest.

import { record } from "../xenlet/internal/console/record";
import { systemTime, wallClock } from "../xenlet/internal/time/time";
import { random_bytes } from "../xenlet/internal/intrinsics";

export namespace Date {
  export function now(): f64 {
    return <f64>(wallClock() / 1000000);
  }
}

export namespace performance {
  export function now(): f64 {
    return <f64>systemTime() / 1e6;
  }
}

export namespace console {
  export function assert(condition: bool, message: string): void {
    if (!condition) record("error", "Assertion failed: " + message);
  }
  export function log(text: string): void {
    record("log", text);
  }
  export function debug(text: string): void {
    record("log", text);
  }
  export function info(text: string): void {
    record("log", text);
  }
  export function warn(text: string): void {
    record("error", text);
  }
  export function error(text: string): void {
    record("error", text);
  }
  export function time(label: string): void {
    timers().set(label, systemTime());
  }
  export function timeLog(label: string): void {
    if (timers().has(label)) {
      record("log", label + ": " + (<f64>(systemTime() - timers().get(label)) / 1e6).toString() + "ms");
    }
  }
  export function timeEnd(label: string): void {
    timeLog(label);
    timers().delete(label);
  }
}

let started: Map<string, u64> | null = null;

function timers(): Map<string, u64> {
  let map = started;
  if (!map) started = map = new Map();
  return map;
}

export namespace crypto {
  /** Random bytes that no other run gets (boot/random.c). */
  export function getRandomValues(array: Uint8Array): void {
    random_bytes(array.dataStart, array.byteLength);
  }
}

// What a guest has no source of is declared only: using it is refused by name when the guest is built.

export declare namespace Math {
  @external("env", "Math.E")
  export const E: f64;
}
