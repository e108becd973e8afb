/**
 * What is read out of QEMU's `info registers -a`. Why it matters: of a Xen that hangs it is the only thing that tells where. How it
 * would fail: a CPU that is left out, or another register's value. That a hanging Xen is asked at all is shown by a boot of one
 * (`xenlet conform --suite races --xen 4.14`).
 */
import { expect, test } from "vitest";
import { placesIn } from "../../../src/host/boot/last-words.js";

const REGISTERS = `
CPU#0
RAX=0000000000000001 RBX=0000000000000000 RCX=0000000000000000 RDX=0000000000000000
RIP=ffff82d04023b1c0 RFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
CPU#1
EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1
EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=1
`;

test("where each CPU is", () => {
  expect(placesIn(REGISTERS)).toEqual(["CPU#0 at 0xffff82d04023b1c0", "CPU#1 at 0xfff0"]);
});

test("control: a text that has none", () => {
  expect(placesIn("unknown command")).toEqual([]);
});
