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
