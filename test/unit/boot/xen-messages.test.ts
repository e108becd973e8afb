/**
 * What Xen's lines mean. Why it matters: the ending of a domain is half of a
 * verdict. How it would fail: "crashed" read as "halted", or a guest that
 * imitates Xen's words and is believed.
 */
import { describe, expect, test } from "vitest";
import { Monitor } from "../../../src/host/boot/monitor.js";
import { Findings, readEnding } from "../../../src/host/boot/xen-messages.js";

describe("the domain's end", () => {
  test.each([
    ["Hardware Dom0 halted: halting machine", "poweroff", 0],
    ["Hardware Dom0 shutdown: rebooting machine", "reboot", 1],
    ["Hardware Dom0 crashed: 'noreboot' set - not rebooting.", "crash", 3],
    ["Hardware Dom0 shutdown: watchdog rebooting machine", "watchdog", 4],
    ["Hardware domain 0 did unsupported soft reset, rebooting.", "soft-reset", 5],
    ["Hardware Dom0 shutdown (unknown reason 2): 'noreboot' set - not rebooting.", "unknown", 2],
    ["Hardware Dom0 shutdown (unknown reason 77): ", "unknown", 77],
  ])("%s", (line, how, reason) => {
    expect(readEnding(line)).toEqual({ how, reason });
  });

  test.each([
    "Domain 0 (vcpu#0) crashed on cpu#0:",
    "it said: Hardware Dom0 halted: halting machine",
    "",
  ])("is not %j", (line) => {
    expect(readEnding(line)).toBeNull();
  });

  test("is believed from Xen alone, not from the guest or the firmware", () => {
    const monitor = new Monitor({ nonce: "n" });
    monitor.push("(d0) Hardware Dom0 halted: halting machine");
    monitor.push("(d0) (XEN) Hardware Dom0 halted: halting machine");
    expect(monitor.ending).toBeNull();
    monitor.push("(XEN) Hardware Dom0 halted: halting machine");
    expect(monitor.ending?.how).toBe("poweroff");
  });
});

describe("a panic", () => {
  test("ends the run when its reason is there", () => {
    const endings: string[] = [];
    const monitor = new Monitor({ nonce: "n", onEnding: ({ how }) => endings.push(how) });
    for (const line of [
      "****************************************",
      "Panic on CPU 0:",
      "FATAL PAGE FAULT",
    ])
      monitor.push(`(XEN) ${line}`);
    expect(endings).toEqual([]);
    monitor.push("(XEN) ****************************************");
    expect(endings).toEqual(["panic"]);
    expect(monitor.panic).toBe("FATAL PAGE FAULT");
    expect(monitor.panicIn).toBeNull();
  });

  const PANICKED = ["Panic on CPU 0:", "Xen BUG at common/page_alloc.c:1486", "****************"];
  const panicIn = (lines: string[]): string | null => {
    const monitor = new Monitor({ nonce: "n" });
    for (const line of [...lines, ...PANICKED]) monitor.push(`(XEN) ${line}`);
    return monitor.panicIn;
  };

  test.each([
    ["RIP:    e008:[<ffff82d04023d1a4>] free_domheap_pages+0x234/0x650", "free_domheap_pages"],
    [
      "RIP:    e008:[<ffff82d04023d1a4>] common/page_alloc.c#free_heap_pages.cold+0x1/0x2",
      "free_heap_pages",
    ],
    ["RIP:    0010:[<ffffffff80100281>]", null], // a guest's registers
    ["RIP:    0010:[<ffffffff80100281>] start64+0x1/0x2", null], // by their selector, whatever follows
    ["RIP:    e008:[<ffff82d04023d1a4>] ffff82d04023d1a4", null], // a Xen without symbols
  ])("names the function where Xen was: %s", (line, name) => {
    expect(panicIn([line, "RFLAGS: 0000000000010246", "Xen call trace:"])).toBe(name);
  });

  test("a dump for another reason, long before, is not the panic's", () => {
    const dump = "RIP:    e008:[<ffff82d04023d1a4>] dump_registers+0x234/0x650";
    expect(panicIn([dump, ...Array.from({ length: 150 }, () => "Freed 4kB")])).toBeNull();
  });
});

test("of several explanations the one that explains most is told, in whatever order they came", () => {
  const findings = new Findings();
  expect(findings.best).toBeNull();
  for (const line of [
    "Unable to parse kernel for ELFNOTES",
    "ERROR: Will only load images built for the generic loader or Linux images (Not '' and '') or with PHYS32_ENTRY set",
  ])
    findings.read(line);
  expect(findings.best?.message).toMatch(/no PVH entry/);
});
