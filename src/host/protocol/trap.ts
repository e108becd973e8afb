/** A Wasm trap, a CPU exception or an abort, as the guest's record tells it. */
import { symbolizeBacktrace } from "../elf/symbolize.js";
import { fieldsOf, type GuestRecord } from "./record.js";

/** One return address of a backtrace. */
export interface TrapFrame {
  /** 0x… */
  address: string;
  /** As its author called it, with file and line where they are known: `Task#run (main.ts:17)`. */
  text: string;
  /** `Task#run`; the address if there is no symbol. */
  function: string;
}

/** A trap or an abort, as the guest told it. */
export interface TrapReport {
  /** "unreachable", "out-of-bounds", "exception-13", …: boot/traps.c; "abort" for AssemblyScript's abort(). */
  kind: string;
  /** The address that was touched, where the kind has one. */
  address: string | null;
  /** Innermost first. Empty if the record cannot be read. */
  frames: TrapFrame[];
}

/** The first trap of a run, with its functions named; null if there was none. */
export async function reportTrap(
  records: GuestRecord[],
  image: string,
): Promise<TrapReport | null> {
  const record = records.find(({ kind }) => kind === "trap" || kind === "abort");
  if (record === undefined) return null;
  const fields = fieldsOf(record);
  const report = {
    kind: fields?.get("kind") ?? (record.kind === "abort" ? "abort" : "unknown"),
    address: fields?.get("address") ?? null,
  };
  const [rip, ...callers] = [fields?.get("rip"), ...(fields?.get("frames") ?? "").split(",")]
    .filter((text) => /^0x[0-9a-f]{1,16}$/.test(text ?? ""))
    .map((text) => BigInt(text ?? 0));
  if (rip === undefined) return { ...report, frames: [] };
  return { ...report, frames: await nameFrames(image, rip, callers) };
}

/** Innermost first; bare addresses if the image is not what it was, or has no symbols. */
export async function nameFrames(
  image: string,
  rip: bigint,
  callers: bigint[],
): Promise<TrapFrame[]> {
  const hex = (address: bigint) => `0x${address.toString(16)}`;
  try {
    const frames = await symbolizeBacktrace(image, rip, callers);
    return frames.map(({ address, text, function: name }) => ({
      address: hex(address),
      text,
      function: name,
    }));
  } catch {
    // The report is worth more than its names: the image may have been rebuilt or removed meanwhile.
    return [rip, ...callers].map((address) => ({
      address: hex(address),
      text: hex(address),
      function: hex(address),
    }));
  }
}
