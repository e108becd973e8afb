// A guest under the fake hypervisor: the same source and the same compiler as for an image, but run by V8.

import { compileGuest } from "../../src/host/build/asc/compile.js";
import { FakeXen, GuestEnded } from "./fake-xen.js";

export interface LoadedGuest {
  xen: FakeXen;
  /** The guest's exports. */
  call: Record<string, (...args: (number | bigint)[]) => number | bigint>;
  /** The SHUTDOWN_* reason that its top level ended with. */
  reason: number;
}

/** Compiles `entry`, once; what comes back starts it again, on a Xen of its own, up to its shutdown. */
export async function prepareGuest(entry: string): Promise<(xen?: FakeXen) => LoadedGuest> {
  return prepareWasm((await compileGuest({ entry })).wasm);
}

/** The same for a module that is compiled already. */
export function prepareWasm(wasm: Uint8Array): (xen?: FakeXen) => LoadedGuest {
  const module = new WebAssembly.Module(Buffer.from(wasm));
  return (xen = new FakeXen()) => {
    const instance = new WebAssembly.Instance(module, xen.imports());
    xen.memory = instance.exports["memory"] as WebAssembly.Memory;
    const call = instance.exports as LoadedGuest["call"];
    return { xen, call, reason: reasonOf(() => call["_start"]?.()) };
  };
}

/** Runs what ends in a shutdown; returns the SHUTDOWN_* reason. */
export function reasonOf(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    if (error instanceof GuestEnded) return error.reason;
    throw error;
  }
  throw new Error("the guest did not shut down");
}
