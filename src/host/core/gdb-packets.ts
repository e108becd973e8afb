/** gdb's remote protocol on one connection: packets with checksums and acknowledgements (gdb's manual, appendix E). */
import type { Duplex } from "node:stream";

const [DOLLAR, HASH, ESCAPE, INTERRUPT] = [0x24, 0x23, 0x7d, 0x03];

/** Each packet is acknowledged at once; what the other side acknowledges is not waited for, since a socket loses nothing. */
export class GdbPackets {
  #bytes = Buffer.alloc(0);

  constructor(
    private readonly socket: Duplex,
    /** A packet's contents as they came, one character a byte. */
    onPacket: (contents: string) => void,
    onInterrupt: () => void = () => undefined,
  ) {
    socket.on("data", (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      for (;;) {
        const first = this.#bytes[0];
        if (first === undefined) return;
        if (first !== DOLLAR) {
          this.#bytes = this.#bytes.subarray(1);
          if (first === INTERRUPT) onInterrupt();
          continue;
        }
        const hash = this.#bytes.indexOf(HASH);
        if (hash < 0 || this.#bytes.length < hash + 3) return;
        const contents = this.#bytes.toString("latin1", 1, hash);
        this.#bytes = this.#bytes.subarray(hash + 3);
        socket.write("+");
        onPacket(contents);
      }
    });
  }

  send(contents: string): void {
    const bytes = Buffer.from(contents, "latin1");
    const sum = bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
    this.socket.write(
      Buffer.concat([
        Buffer.of(DOLLAR),
        bytes,
        Buffer.from(`#${sum.toString(16).padStart(2, "0")}`),
      ]),
    );
  }

  interrupt(): void {
    this.socket.write(Buffer.of(INTERRUPT));
  }
}

/** Binary data of a packet, as it was before it was escaped. */
export function unescape(data: string): Buffer {
  const bytes = Buffer.from(data, "latin1");
  const plain: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    plain.push(byte === ESCAPE ? (bytes[++at] ?? 0) ^ 0x20 : byte);
  }
  return Buffer.from(plain);
}
