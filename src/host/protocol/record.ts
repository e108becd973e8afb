/**
 * The record protocol: how a guest reports to the host, over a console
 * that drops what is not printable ASCII and splits long lines.
 *
 *     ~x1 <nonce> <seq> <kind><cont><payload> #<sum>
 *
 *   nonce    1-16 of [0-9a-z], from the guest's command line; `-` before it was read
 *   seq      counts this guest's lines from 0: a gap is a lost line
 *   kind     [a-z][a-z0-9-]*
 *   cont     `+` if the next line continues the record, `:` on its last line
 *   payload  percent-encoded UTF-8, no escape split across lines
 *   sum      FNV-1a 32 of the line from `~` to the payload's end, 8 hex digits
 *
 * The lines of a guest may come by two ways, the debug port and a console that
 * is relayed, so one that arrives early is kept until the others
 * have come, or nothing more does. A guest that is about to die sends again by
 * the port what it does not know to have been relayed, marked as such
 * (`~again `): then, and only then, may a line come twice, and it has to be the
 * same both times.
 *
 * Records end up as verdicts, so nothing damaged is passed over: whatever was
 * lost or altered on the way is reported as damage, once for each cause. The
 * writer inside the guest is boot/record.c.
 */

import { randomInt } from "node:crypto";

/** Bytes from `~` to the sum's last digit; Xen splits a line at 199 with its newline. */
export const MAX_LINE = 189;
/** Of one record, all its lines together: a guest that never says `:` must not eat the host's memory. */
export const MAX_PAYLOAD = 1 << 20;

/** Lines kept while earlier ones are missing: a console's ring holds a few dozen. */
const MAX_EARLY = 1024;
/** Lines remembered, since they may be sent again: more than a console's ring (2 KiB) holds. */
const MAX_REMEMBERED = 128;

/** One record of a guest's, put together from its lines. */
export interface GuestRecord {
  kind: string;
  /** Decoded. */
  payload: string;
  /** Of `out` and `err`: the bytes, whatever they are. `payload` has U+FFFD where they are no UTF-8. */
  bytes?: Buffer;
  /** Of its first line. */
  seq: number;
  /** Whether the guest already knew its nonce; a fault in its first steps is reported without. */
  signed: boolean;
}

/** How lines can be wrong. */
export type DamageKind =
  /** A line with this run's nonce that does not follow the format. */
  | "malformed"
  | "checksum"
  /** Lines are missing. */
  | "gap"
  /** A line that was there before; it is dropped. */
  | "duplicate"
  /** A record whose last line never came. */
  | "truncated"
  /** A line or record beyond its limit. */
  | "oversize"
  /** Percent escapes or UTF-8 that cannot be decoded. */
  | "encoding";

/** What was wrong with the lines that came. */
export interface Damage {
  kind: DamageKind;
  /** One sentence. */
  message: string;
}

export type Item =
  | { type: "text"; text: string }
  | { type: "record"; record: GuestRecord }
  | { type: "damage"; damage: Damage };

const MAGIC = "~x1 ";
const AGAIN = "~again ";
/** Their payload is bytes. */
const BYTE_KINDS = ["out", "err"];
const LINE =
  /^~x1 (?<nonce>[0-9a-z]{1,16}|-) (?<seq>0|[1-9][0-9]{0,15}) (?<kind>[a-z][a-z0-9-]*)(?<cont>[+:])(?<payload>[ -~]*) #(?<sum>[0-9a-f]{8})$/;
const NONCE = /^~x1 (?<nonce>[0-9a-z]{1,16}|-) /;

interface Line {
  nonce: string;
  seq: number;
  kind: string;
  last: boolean;
  payload: string;
}

/** Of a run: 51 bits, in as few characters as it takes, since Xen prints each with every line. */
export function newNonce(): string {
  return Array.from({ length: 10 }, () => randomInt(36).toString(36)).join("");
}

/** Reads one guest's console, line by line. */
export class RecordReader {
  readonly #nonce: string;
  #expected = 0;
  #open: { kind: string; seq: number; signed: boolean; payload: string } | null = null;
  /** Lines that are ahead of their turn, by number. */
  readonly #early = new Map<number, Line>();
  /** The lines of the highest numbers, by number; and of those that were sent again, which have not come the other way. */
  readonly #remembered = new Map<number, string>();
  readonly #sentAgain = new Set<number>();
  /** Kind of a record that is lost already and has been reported: its other lines are passed over. */
  #skipping: string | null = null;

  /** Records of another nonce are console text: another guest's, or an imitation. */
  constructor(nonce: string) {
    this.#nonce = nonce;
  }

  /** `line` without its newline and without Xen's prefix. */
  push(line: string): Item[] {
    for (let at = line.indexOf(MAGIC); at >= 0; at = line.indexOf(MAGIC, at + 1)) {
      const candidate = line.slice(at);
      if (!this.#isOurs(candidate)) continue;
      // What the guest wrote without a newline stands before its record.
      const written = line.slice(0, at);
      const again = written.endsWith(AGAIN);
      const text = again ? written.slice(0, -AGAIN.length) : written;
      const before: Item[] = text === "" ? [] : [{ type: "text", text }];
      return [...before, ...this.#read(candidate, again)];
    }
    return [{ type: "text", text: line }];
  }

  /** No more lines will come. */
  end(): Item[] {
    const items: Item[] = [];
    for (const seq of [...this.#early.keys()].sort((a, b) => a - b))
      items.push(...this.#skipTo(seq));
    return [...items, ...this.#truncated("the console ended")];
  }

  /** Without a nonce only a flawless line is a record: anybody may write `~x1 - `. */
  #isOurs(candidate: string): boolean {
    const nonce = NONCE.exec(candidate)?.groups?.["nonce"];
    return nonce === this.#nonce || (nonce === "-" && "line" in parseLine(candidate));
  }

  #read(text: string, again: boolean): Item[] {
    const parsed = parseLine(text);
    if ("damage" in parsed) {
      // Its number cannot be trusted. Most likely it is the expected one, and
      // then the next line must not be reported as well, as a gap.
      this.#expected++;
      this.#lose();
      return [parsed, ...this.#inTurn()];
    }
    const { line } = parsed;
    if (line.seq < this.#expected || this.#early.has(line.seq)) {
      const may = again || this.#sentAgain.delete(line.seq);
      if (may && this.#remembered.get(line.seq) === text) return [];
      return [damaged("duplicate", `line ${line.seq} of the guest's records was repeated`)];
    }
    if (again) this.#sentAgain.add(line.seq);
    this.#remember(line.seq, text);
    this.#early.set(line.seq, line);
    if (this.#early.size > MAX_EARLY) return this.#skipTo(Math.min(...this.#early.keys()));
    return this.#inTurn();
  }

  #remember(seq: number, text: string): void {
    this.#remembered.set(seq, text);
    // By number: what was sent again comes before all that is still under way by the console.
    while (this.#remembered.size > MAX_REMEMBERED) {
      const first = Math.min(...this.#remembered.keys());
      this.#remembered.delete(first);
      this.#sentAgain.delete(first);
    }
  }

  /** The lines whose turn it is. */
  #inTurn(): Item[] {
    const items: Item[] = [];
    for (;;) {
      const line = this.#early.get(this.#expected);
      if (line === undefined) return items;
      this.#early.delete(this.#expected++);
      items.push(...this.#append(line));
    }
  }

  /** Gives up what is missing before line `seq`. */
  #skipTo(seq: number): Item[] {
    if (!this.#early.has(seq)) return [];
    const lost = seq - this.#expected;
    const items: Item[] = [];
    if (lost > 0) {
      items.push(
        damaged(
          "gap",
          `${lost} line${lost === 1 ? "" : "s"} of the guest's records ${lost === 1 ? "is" : "are"} missing before line ${seq}`,
        ),
      );
      this.#lose();
    }
    this.#expected = seq;
    return [...items, ...this.#inTurn()];
  }

  #append(line: Line): Item[] {
    const items: Item[] = [];
    if (this.#open !== null && this.#open.kind !== line.kind)
      items.push(...this.#truncated(`a record of kind ${line.kind} began`));
    if (this.#skipping === line.kind) {
      if (line.last) this.#skipping = null;
      return items;
    }
    this.#skipping = null;
    const signed = line.nonce === this.#nonce;
    this.#open ??= { kind: line.kind, seq: line.seq, signed, payload: "" };
    this.#open.payload += line.payload;
    if (this.#open.payload.length > MAX_PAYLOAD) {
      this.#open = null;
      this.#skipping = line.last ? null : line.kind;
      items.push(damaged("oversize", `a record of kind ${line.kind} is over ${MAX_PAYLOAD} bytes`));
    } else if (line.last) {
      const { payload, ...rest } = this.#open;
      this.#open = null;
      if (BYTE_KINDS.includes(rest.kind)) {
        const bytes = Buffer.from(
          payload.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
          "latin1",
        );
        items.push({ type: "record", record: { ...rest, payload: bytes.toString(), bytes } });
        return items;
      }
      const text = decode(payload);
      items.push(
        text === null
          ? damaged("encoding", `a record of kind ${line.kind} is not percent-encoded UTF-8`)
          : { type: "record", record: { ...rest, payload: text } },
      );
    }
    return items;
  }

  /** A line is lost, and with it the record that it may have been part of. */
  #lose(): void {
    this.#skipping = this.#open?.kind ?? this.#skipping;
    this.#open = null;
  }

  #truncated(why: string): Item[] {
    const open = this.#open;
    this.#open = null;
    if (open === null) return [];
    return [damaged("truncated", `a record of kind ${open.kind} was not finished when ${why}`)];
  }
}

function damaged(kind: DamageKind, message: string): { type: "damage"; damage: Damage } {
  return { type: "damage", damage: { kind, message } };
}

function parseLine(text: string): { line: Line } | { type: "damage"; damage: Damage } {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  if (text.length > MAX_LINE)
    return damaged(
      "oversize",
      `a record line has ${text.length} bytes, at most ${MAX_LINE}: ${shown}`,
    );
  const groups = LINE.exec(text)?.groups;
  if (groups === undefined) return damaged("malformed", `a malformed record line: ${shown}`);
  const { nonce = "", seq = "", kind = "", cont, payload = "", sum } = groups;
  if (checksum(text.slice(0, text.lastIndexOf(" #"))) !== sum)
    return damaged("checksum", `a record line with a wrong checksum: ${shown}`);
  if (/%(?![0-9A-F]{2})/.test(payload))
    return damaged("encoding", `a record line with a bad percent escape: ${shown}`);
  return { line: { nonce, seq: Number(seq), kind, last: cont === ":", payload } };
}

/** Whether a record stands in the line, from there to its end, as it was written; whoever's it is. */
export function hasWholeRecord(line: string): boolean {
  const at = line.indexOf(MAGIC);
  return at >= 0 && "line" in parseLine(line.slice(at));
}

/** FNV-1a, 32 bits, of ASCII text: 8 lower-case hex digits. */
export function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function decode(payload: string): string | null {
  try {
    return decodeURIComponent(payload);
  } catch {
    return null;
  }
}

/** The lines, without newlines, that a guest writes for a record; for tests and stand-ins of guests. */
export function encodeRecord(
  record: { kind: string; payload: string },
  nonce: string,
  seq: number,
): string[] {
  const units = [...new TextEncoder().encode(record.payload)].map((byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x25
      ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  const lines: string[] = [];
  do {
    const head = `~x1 ${nonce} ${seq + lines.length} ${record.kind}`;
    const room = MAX_LINE - head.length - "+ #01234567".length;
    if (room < 3) throw new RangeError(`the record kind ${record.kind} leaves no room in a line`);
    let payload = "";
    while (units[0] !== undefined && payload.length + units[0].length <= room)
      payload += units.shift() ?? "";
    const body = `${head}${units.length > 0 ? "+" : ":"}${payload}`;
    lines.push(`${body} #${checksum(body)}`);
  } while (units.length > 0);
  return lines;
}

/**
 * The `key=value` fields of a record, separated by single spaces; `text=` takes
 * all the rest. Null if the payload is not of that form, or names a key twice.
 */
export function fieldsOf(record: Pick<GuestRecord, "payload">): Map<string, string> | null {
  const fields = new Map<string, string>();
  let rest: string | null = record.payload === "" ? null : record.payload;
  while (rest !== null) {
    const match = /^(?<key>[a-z][a-z0-9_-]*)=(?<value>.*)$/s.exec(rest);
    const { key, value } = match?.groups ?? {};
    if (key === undefined || value === undefined || fields.has(key)) return null;
    const end = key === "text" ? -1 : value.indexOf(" ");
    fields.set(key, end < 0 ? value : value.slice(0, end));
    rest = end < 0 ? null : value.slice(end + 1);
  }
  return fields;
}
