/**
 * The channel between user and guest, fuzzed: random arguments, environments, input and output, many vectors to a boot. The
 * first one's arguments are the run's own; each further vector is a kernel that the one before jumps into, with arguments
 * that came by standard input. All that they print is compared, byte for byte.
 */
import type { BootOptions, BootResult } from "../../src/host/boot/boot.js";
import type { OutputStream } from "../../src/host/protocol/text-output.js";
import { random } from "../fixtures/random.js";

/** What a vector prints beside its arguments and environment; the kinds are those of test/boot/guest/channel.ts. */
interface Piece {
  kind: number;
  bytes: Buffer;
  /** Of bytes that the guest makes itself. */
  seed?: number;
}

export interface Vector {
  arguments: string[];
  pieces: Piece[];
}

const STREAMS: readonly OutputStream[] = ["stdout", "stderr"];
const GENERATED = 4;
const TEXT = 2;

/** Characters that have been lost, changed or taken for something else on some way, and then any. */
const ODD = Array.from("\t\n\r\x1b\x01\x7f %~#:;=\"'\\-äß漢😀\ufeff\ufffd\uffff\u2028\u0300");

function text(below: (limit: number) => number, most: number): string {
  let made = "";
  for (let left = below(most + 1); left > 0; left--) {
    const point = below(0x10fffe) + 1;
    const odd = ODD[below(ODD.length)] ?? "";
    const any = point >= 0xd800 && point < 0xe000 ? odd : String.fromCodePoint(point);
    made += below(3) === 0 ? odd : below(4) === 0 ? any : String.fromCharCode(0x20 + below(0x5f));
  }
  return made;
}

/** As test/boot/guest/channel.ts makes them. */
function generated(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    bytes[i] = seed & 255;
  }
  return bytes;
}

function piece(below: (limit: number) => number): Piece {
  const kind = below(6);
  if (kind >= GENERATED) {
    const seed = below(0xffff_ffff) + 1;
    return { kind, bytes: generated(below(8) === 0 ? below(40_000) : below(500), seed), seed };
  }
  if (kind >= TEXT) return { kind, bytes: Buffer.from(text(below, 60)) };
  return { kind, bytes: Buffer.from(Array.from({ length: below(120) }, () => below(256))) };
}

function vector(below: (limit: number) => number, longest: number): Vector {
  const words = Array.from({ length: below(8) }, () => text(below, 30));
  if (below(40) === 0) words.push(text(below, longest));
  return { arguments: words, pieces: Array.from({ length: below(5) }, () => piece(below)) };
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** What the guest is sent: a vector's pieces, and the next one's arguments. */
function frame({ pieces }: Vector, next: Vector | undefined): Buffer {
  const parts = [u32(pieces.length)];
  for (const { kind, bytes, seed } of pieces)
    parts.push(Buffer.from([kind]), u32(bytes.length), seed === undefined ? bytes : u32(seed));
  parts.push(Buffer.from([next === undefined ? 1 : 0]), u32(next?.arguments.length ?? 0));
  for (const word of next?.arguments ?? [])
    parts.push(u32(Buffer.byteLength(word)), Buffer.from(word));
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length), body]);
}

type Given = Pick<BootOptions, "name" | "arguments" | "environment" | "input">;

export interface Batch {
  vectors: Vector[];
  /** Options of its boot; boot module 0 has to be the guest's image. */
  options: Given;
  expected: Record<OutputStream, Buffer>;
}

/** `count` vectors for one boot. */
export function batch(seed: number, count: number): Batch {
  const below = random(seed);
  const vectors = Array.from({ length: count }, (_, index) =>
    vector(below, index === 0 ? 12_000 : 1000),
  );
  const environment = Array.from({ length: below(6) }, (_, i) => `V${i}=${text(below, 30)}`);
  const name = `channel ${text(below, 10)}`;
  const parts: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  for (const { arguments: words, pieces } of vectors) {
    const strings = [name, ...words, ...environment].map((one) => `${one}\0`).join("");
    parts.stdout.push(Buffer.from(`${words.length + 1}\n${strings}`));
    for (const { kind, bytes } of pieces) {
      const ended = kind === 2 || kind === 3 ? Buffer.concat([bytes, Buffer.from("\n")]) : bytes;
      parts[STREAMS[kind % 2] ?? "stdout"].push(ended);
    }
  }
  const frames = function* (): Generator<Buffer> {
    for (const [index, one] of vectors.entries()) yield frame(one, vectors[index + 1]);
  };
  return {
    vectors,
    options: {
      name,
      arguments: vectors[0]?.arguments ?? [],
      environment,
      // A chunk is never longer than what a guest asks for: what it has read ahead would be lost in the jump.
      input: asked(frames),
    },
    expected: { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr) },
  };
}

async function* asked(frames: () => Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const bytes of frames()) {
    await Promise.resolve();
    yield bytes;
  }
}

/** Where two outputs differ first; null: nowhere. */
export function difference(actual: Buffer, expected: Buffer): string | null {
  if (actual.equals(expected)) return null;
  let at = 0;
  while (actual[at] === expected[at] && at < expected.length) at++;
  const around = (bytes: Buffer): string =>
    JSON.stringify(bytes.subarray(Math.max(0, at - 20), at + 40).toString("latin1"));
  return `${actual.length} bytes for ${expected.length}, different from byte ${at} on: ${around(actual)} for ${around(expected)}`;
}

/** Boots `count` vectors by `boot`, with these options; what was wrong, in a sentence, or null. */
export async function runBatch(
  seed: number,
  count: number,
  boot: (options: Given & Pick<BootOptions, "onOutput">) => Promise<BootResult>,
): Promise<string | null> {
  const { options, expected } = batch(seed, count);
  const parts: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  const result = await boot({
    ...options,
    onOutput: (bytes, stream) => parts[stream].push(Buffer.from(bytes)),
  });
  const wrong = STREAMS.flatMap((stream) => {
    const found = difference(Buffer.concat(parts[stream]), expected[stream]);
    return found === null ? [] : [`${stream}: ${found}`];
  });
  wrong.push(...result.damage.map(({ message }) => message));
  if (result.verdict !== "exit" || result.guestCode !== 0) wrong.push(result.message);
  return wrong.length === 0
    ? null
    : `seed ${seed}, ${count} vectors: ${wrong.join("; ")} (${result.log ?? "no log"})`;
}

/** What test/boot/guest/output.ts prints for `much TIMES`: with 100 a line of a million characters, and 100,000 lines. */
export function much(times: number): Buffer {
  let line = "";
  for (let i = 0; i < 100; i++) line += `${"0123456789".repeat(9)}ä漢😀${String(i % 10).repeat(7)}`;
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, i) => `${String(i)}\n`).join("");
  return Buffer.from(`${line.repeat(times)}\n${lines(970).repeat(times)}${lines(30 * times)}`);
}
