/** Names the functions that addresses in an image belong to. */
import path from "node:path";
import { readableSymbol, wasmName } from "./demangle.js";
import { readElf, type Elf } from "./elf.js";
import { readSymbols, type ElfSymbol } from "./symbols.js";

/** One address of a backtrace, by name and line. */
export interface Frame {
  address: bigint;
  /** As in the image; null if the address belongs to none. */
  symbol: string | null;
  /** As its author called it: `Task#run`; the address if there is no symbol. */
  function: string;
  /** Source file, where known: `main.ts`, `~lib/string.ts`, `traps.c`. */
  file: string | null;
  /** Line in `file`, where the image has debug information for it. */
  line: number | null;
  /** Whether the compiler put this function into the next frame's. */
  inlined: boolean;
  /** All of it on one line: `Task#run (main.ts:17)`. */
  text: string;
}

interface Location {
  symbol: string | null;
  file: string | null;
  line: number | null;
}

/**
 * For each address the functions it lies in, innermost first: one frame, and one
 * more for each level of inlining. Uses binutils' addr2line where there is one,
 * else the image's symbol table alone. A stripped image yields bare addresses.
 * Throws a UserError if the image cannot be read or is malformed.
 */
export async function symbolize(imagePath: string, addresses: bigint[]): Promise<Frame[][]> {
  const elf = await readElf(imagePath);
  const functions = functionsByAddress(readSymbols(elf));
  const locations = await addr2line(imagePath, addresses);
  return addresses.map((address, index) => {
    const known = (locations?.[index] ?? []).filter((location) => location.symbol !== null);
    const fallback = { symbol: findSymbol(elf, functions, address), file: null, line: null };
    return frames(address, known.length > 0 ? known : [fallback]);
  });
}

/**
 * A backtrace as a trap reports it: the faulting instruction, then return
 * addresses, innermost first. A return address points behind its call, possibly
 * into the next line or function, so the byte before it is looked up.
 */
export async function symbolizeBacktrace(
  imagePath: string,
  rip: bigint,
  returnAddresses: bigint[],
): Promise<Frame[]> {
  const calls = returnAddresses.map((address) => (address > 0n ? address - 1n : 0n));
  const stack = await symbolize(imagePath, [rip, ...calls]);
  const shown = [rip, ...returnAddresses];
  return stack.flatMap((group, index) => {
    const address = shown[index] ?? 0n;
    return group.map((frame) =>
      frame.symbol === null ? unknownFrame(address) : { ...frame, address },
    );
  });
}

function frames(address: bigint, locations: Location[]): Frame[] {
  return withoutHelpers(locations).map(({ symbol, file, line }, index, all) => {
    if (symbol === null) return unknownFrame(address);
    const source = readableSymbol(symbol);
    // A line of the lowered C is of no use to the author of a .ts file.
    const useDebugInfo = wasmName(symbol) === null || file?.endsWith(".ts") === true;
    const frame = {
      address,
      symbol,
      function: source.function,
      file: useDebugInfo && file !== null ? shownFile(file) : source.file,
      line: useDebugInfo ? line : null,
      inlined: index < all.length - 1,
    };
    return { ...frame, text: frameText(frame) };
  });
}

/** gcc puts its folder before what a #line says: `~lib/…` stays whole, of all else the name. */
function shownFile(file: string): string {
  return /(?:^|\/)(~lib\/.*)$/.exec(file)?.[1] ?? path.basename(file);
}

/** Headers of what instructions are in C. */
const OPERATIONS = /(?:^|\/)(?:memory|numeric|simd|tables|intrinsics)\.h$/;

/**
 * Leaves out what an instruction is in C (`i32_div_s` and the like, runtime/wasm/numeric.h): inlined into nearly every
 * function, and no function of the program's.
 */
function withoutHelpers(locations: Location[]): Location[] {
  const isWasm = ({ symbol }: Location) => symbol !== null && wasmName(symbol) !== null;
  const outermost = locations.at(-1);
  if (outermost === undefined || !isWasm(outermost)) return locations;
  return locations.filter(
    (location) =>
      isWasm(location) ||
      (location.file !== outermost.file && !OPERATIONS.test(location.file ?? "")),
  );
}

function frameText(frame: Omit<Frame, "text">): string {
  if (frame.file === null) return frame.function;
  const line = frame.line === null ? "" : `:${frame.line}`;
  return `${frame.function} (${frame.file}${line})`;
}

function unknownFrame(address: bigint): Frame {
  const text = `0x${address.toString(16)}`;
  return { address, symbol: null, function: text, file: null, line: null, inlined: false, text };
}

/** addr2line's answer for each address, or null where it is missing or fails. */
async function addr2line(imagePath: string, addresses: bigint[]): Promise<Location[][] | null> {
  if (addresses.length === 0) return [];
  const { execa } = await import("execa");
  const result = await execa("addr2line", ["-a", "-f", "-i", "-e", imagePath], {
    input: addresses.map((address) => `0x${address.toString(16)}\n`).join(""),
    reject: false,
    env: { LC_ALL: "C" },
  });
  return result.failed ? null : parseAddr2line(result.stdout);
}

/**
 * For each address a line `0x…` (-a), then pairs of lines: function, and
 * `file:line`, perhaps with ` (discriminator N)`. `??` is unknown.
 */
export function parseAddr2line(output: string): Location[][] {
  const groups: Location[][] = [];
  const lines = output.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    if (/^0x[0-9a-f]+$/.test(line)) {
      groups.push([]);
      continue;
    }
    const place = /^(?<file>.*):(?<line>\d+|\?)(?: \(discriminator \d+\))?$/.exec(lines[++i] ?? "");
    const file = place?.groups?.["file"] ?? "??";
    const number = Number(place?.groups?.["line"]);
    groups.at(-1)?.push({
      symbol: line === "??" || line === "" ? null : line,
      file: file === "??" ? null : file,
      line: Number.isInteger(number) && number > 0 ? number : null,
    });
  }
  return groups;
}

/** Code labels count too: assembly does not always say .type. */
function functionsByAddress(symbols: ElfSymbol[]): ElfSymbol[] {
  return symbols
    .filter((symbol) => symbol.kind !== "object")
    .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

/**
 * The last symbol at or below the address, if it reaches that far: by its size,
 * or where it has none, to the end of its section.
 */
function findSymbol(elf: Elf, sorted: ElfSymbol[], address: bigint): string | null {
  const symbol = sorted.findLast((candidate) => candidate.address <= address);
  const section = symbol && elf.sections[symbol.section];
  if (symbol === undefined || section === undefined) return null;
  const end =
    symbol.size === 0
      ? section.address + BigInt(section.size)
      : symbol.address + BigInt(symbol.size);
  return address < end ? symbol.name : null;
}
