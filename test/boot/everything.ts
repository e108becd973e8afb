// All that goes through the channel between user and guest, in one boot: the mode "all" of guest/output.ts, and what comes of it.

import type { BootOptions } from "../../src/host/boot/boot.js";

const WORDS = ["two  words", "漢\n\x01", "", "seq=3", "--on"];
/** Xen's own line, of which no word is the harness's. */
const CMDLINE = "seq=7 on=5 verbose nonce=x";

/** Options of its boot; with `end` "trap" it traps at its end. With its own image as boot module it does all twice, in two kernels. */
export function everything(end: "exit" | "trap"): Partial<BootOptions> {
  return {
    cmdline: CMDLINE,
    arguments: [`all-${end}`, ...WORDS],
    environment: ["NAME=a=b 😀"],
    input: Buffer.from("hello\nworld\x80\xff\0 end", "latin1"),
  };
}

/** What so many kernels print on standard output. The first one has the input; bytes that are no UTF-8 are shown as a decoder shows them. */
export function everythingPrinted(end: "exit" | "trap", kernels: number): string {
  const words = [`all-${end}`, ...WORDS].map((word) => `${word}\0`).join("");
  return ["hello\nworld\uFFFD\uFFFD\0 end", ""]
    .slice(0, kernels)
    .map((input) => `${CMDLINE}\n${words}a=b 😀\n${input}${"0123456789".repeat(2000)}\nhalf a line`)
    .join("");
}
