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
  /** `main.ts`, `~lib/array.ts`, `main.c`; null if it is not known. */
  file: string | null;
  /** In `file`, from 1 on; null if it is not known. */
  line: number | null;
  /** How many more times this frame follows: a recursion. */
  more: number;
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
  const [innermost, ...callers] = [fields?.get("rip"), ...(fields?.get("frames") ?? "").split(",")]
    .map((text) => /^(0x[0-9a-f]{1,16})(?:\*(\d{1,9}))?$/.exec(text ?? ""))
    .flatMap((match) =>
      match === null ? [] : [{ address: BigInt(match[1] ?? 0), times: Number(match[2] ?? 1) }],
    );
  if (innermost === undefined) return { ...report, frames: [] };
  const addresses = callers.map(({ address }) => address);
  const frames = await nameFrames(image, innermost.address, addresses);
  countRepeats(frames, [innermost, ...callers]);
  return { ...report, frames };
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;

interface Call {
  address: bigint;
  /** How often it follows itself, itself included. */
  times: number;
}

/**
 * Enters the guest's counts into the frames, which are those of the calls in their order. A call has several frames
 * where functions are inlined: the count is the last one's. The same address may come again after others.
 */
export function countRepeats(frames: readonly TrapFrame[], calls: readonly Call[]): void {
  let next = 0;
  frames.forEach((frame, index) => {
    if (frames[index + 1]?.address === frame.address) return;
    while (next < calls.length && hex(calls[next]?.address ?? 0n) !== frame.address) next++;
    frame.more = (calls[next]?.times ?? 1) - 1;
    next++;
  });
}

/** Innermost first; bare addresses if the image is not what it was, or has no symbols. */
export async function nameFrames(
  image: string,
  rip: bigint,
  callers: bigint[],
): Promise<TrapFrame[]> {
  try {
    const frames = await symbolizeBacktrace(image, rip, callers);
    return frames.map(({ address, text, function: name, file, line }) => ({
      address: hex(address),
      text,
      function: name,
      file,
      line,
      more: 0,
    }));
  } catch {
    // The report is worth more than its names: the image may have been rebuilt or removed meanwhile.
    return [rip, ...callers].map((address) => ({
      address: hex(address),
      text: hex(address),
      function: hex(address),
      file: null,
      line: null,
      more: 0,
    }));
  }
}

/** A file that the guest's author wrote, as asc names it: libraries are below ~lib/, and C is ours or a native part's. */
function isUsers({ file }: TrapFrame): boolean {
  return file?.endsWith(".ts") === true && !file.startsWith("~lib/");
}

/** The innermost of the frames whose line the guest's author wrote, or null. */
export function usersFrame(frames: readonly TrapFrame[]): TrapFrame | null {
  return frames.find((frame) => isUsers(frame) && frame.line !== null) ?? null;
}

/** `main.ts:17`, of usersFrame(). */
export function usersPlace(frames: readonly TrapFrame[]): string | null {
  const frame = usersFrame(frames);
  return frame === null ? null : `${frame.file ?? ""}:${String(frame.line)}`;
}

/** What calls the module's start function: no reader asks for it. */
const BELOW = /^(?:~start|wasm_start|wasm_main|boot_main|start64)$/;
/** The longest cycle of functions that is found as one. */
const LONGEST_CYCLE = 4;
/** Fewer lines than that are not worth a line that stands for them. */
const LEAST_FOLDED = 3;

/** A backtrace for people: without what every guest is called by, and a recursion once, with how often it follows. */
export function backtraceTexts(frames: readonly TrapFrame[]): string[] {
  let length = frames.length;
  while (BELOW.test(frames[length - 1]?.function ?? "")) length--;
  // A guest that crashes there has nothing else.
  const shown = length === 0 ? frames : frames.slice(0, length);
  const texts: string[] = [];
  const more = (count: number): void => void texts.push(`… ${String(count)} more`);
  const alike = (a: number, b: number): boolean => shown[a]?.text === shown[b]?.text;
  for (let at = 0; at < shown.length;) {
    let cycle = 1;
    let end = at + 1;
    for (let period = 1; period <= LONGEST_CYCLE; period++) {
      let same = at + period;
      while (same < shown.length && alike(same, same - period)) same++;
      same -= (same - at) % period;
      if (same - at > Math.max(period, end - at)) [cycle, end] = [period, same];
    }
    const folded = shown.slice(at + cycle, end);
    const repeated = shown.slice(at, end).reduce((sum, frame) => sum + frame.more, 0);
    texts.push(...shown.slice(at, at + cycle).map(({ text }) => text));
    if (folded.length + repeated >= LEAST_FOLDED) more(folded.length + repeated);
    else {
      texts.push(...folded.map(({ text }) => text));
      for (let again = 0; again < repeated; again++) texts.push(shown[end - 1]?.text ?? "");
    }
    at = end;
  }
  return texts;
}
