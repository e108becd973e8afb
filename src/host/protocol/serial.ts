/** Xen's serial console, from bytes to lines that say who wrote them. */

/** A line longer than this is passed on in pieces: nothing Xen prints comes near. */
const MAX_LINE = 64 * 1024;

/** Bytes in, whole lines out, without `\n` or `\r\n`. */
export class LineSplitter {
  // latin1: one character a byte, so that no line is lost to a decoding error.
  readonly #decoder = new TextDecoder("latin1");
  #rest = "";

  push(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_LINE) {
      lines.push(this.#rest);
      this.#rest = "";
    }
    return lines.map((line) => line.replace(/\r+$/, ""));
  }

  /** What stands after the last newline. */
  end(): string[] {
    const rest = this.#rest.replace(/\r+$/, "");
    this.#rest = "";
    return rest === "" ? [] : [rest];
  }
}

export interface ConsoleLine {
  /** A domain's number: what it wrote to its debug port, or domain 0's records. Null: neither Xen nor a domain (firmware). */
  source: "xen" | number | null;
  text: string;
}

/** Set by printk_start_of_line() and guest_printk(): xen/drivers/char/console.c. */
const PREFIX = /^\((?:XEN|d(?<domain>\d{1,5}))\) /;
/** Domain 0's records come by CONSOLEIO_write, which prints what it is given and nothing before it (boot/record.c). */
const HARDWARE_DOMAINS_RECORD = "~x1 ";
/** The forms that console_timestamps= knows, same file. */
const TIMESTAMP = /^\[(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?| *\d+\.\d{6}|[0-9a-f]{16})\] /;

/**
 * Takes Xen's prefix off a line. `timestamps`: whether Xen was told to write
 * them; else what looks like one is the guest's own text.
 */
export function readConsoleLine(line: string, timestamps: boolean): ConsoleLine {
  const prefix = PREFIX.exec(line);
  if (prefix === null)
    return { source: line.startsWith(HARDWARE_DOMAINS_RECORD) ? 0 : null, text: line };
  const domain = prefix.groups?.["domain"];
  const text = line.slice(prefix[0].length);
  return {
    source: domain === undefined ? "xen" : Number(domain),
    text: timestamps ? text.replace(TIMESTAMP, "") : text,
  };
}
