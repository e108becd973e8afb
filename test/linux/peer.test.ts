// Debian's Linux as the kernel before ours and after it, under xl. Before: its own kexec, its own request for the soft
// reset, and our image entered by multiboot2; what does the kernel that comes after find? After: it is to find a
// console, a store, and a way to power off, as on a first boot.
//
// Why: nothing of Linux was written with this runtime in mind, so what is left behind is not what we happened to leave,
// and what is looked for is not what we happen to need. How it would fail: kexec refuses the image, the entry or the memory
// map are not what boot code takes for a start, a port or an area of Linux's is still there, the store or the console have
// lost touch, a sleep is not woken.
//
// The control is the same with the reset left out: dom0 resumes the domain as it is, and our kernel looks with interrupts
// off. With them on it comes no further than to the first `sti`, since Linux's events go to the dead Linux's vcpu_info; but
// out of that flood QEMU did not come every time.

import { beforeAll, describe, expect, test } from "vitest";

import { OF_XEN, REGISTERED, exitOf, facts } from "../boot/xl-stage.js";
import { playPeers, type DomainName, type Peers } from "./peer-stage.js";

const SETUPS = [
  ["4.17", "oxenstored"],
  ["4.20", "xenstored"],
] as const;

/** What that Debian's kexec-tools say who are not told which system call to use: docs/upstream.md. */
const REFUSED: Record<(typeof SETUPS)[number][0], RegExp[]> = {
  "4.17": [],
  "4.20": [/^peer: kexec-tools 2\.0\.29: Invalid memory segment 0x100000 - 0x/],
};

/** How far a domain in which Linux jumps has come: the last one that is there is where it stopped. */
const STAGES: [string, RegExp][] = [
  ["Linux runs", /^peer: xen (PVH|HVM) /],
  ["Linux jumps", /^peer: jumps$/],
  ["our kernel is entered", /boot:stage=runtime/],
  ["our kernel has its say", /fact:slept: timeout/],
  ["our kernel ends", /exit:code=/],
];

/** The ports that the toolstack gives: the store's and the console's, interdomain. */
const GIVEN = "1:2,2:2";
describe.each(SETUPS)("Linux and our kernel in one domain, Xen %s, %s", (release, store) => {
  let peers: Peers;

  beforeAll(async () => {
    peers = await playPeers(release, store);
  }, 1_800_000);

  /** In a domain with a device model, which has two. */
  const withDeviceModel = `${GIVEN},3:${OF_XEN[release]},4:${OF_XEN[release]}`;
  const said = (domain: DomainName): string[] =>
    peers.lines(domain).filter((line) => line.startsWith("peer: "));
  /** What xl has seen of a domain's ends, in order. */
  const ends = (domain: DomainName): string[] =>
    [...peers.printed(domain).matchAll(/has shut down, reason code (\d+)/g)].map(
      ([, reason]) => reason ?? "",
    );

  /** What our kernel is to find after Linux: a domain as new. */
  function expectClean(
    domain: DomainName,
    nonce: string,
    found: { ports: string; first: number; linux: string },
  ): void {
    const records = peers.records(domain, nonce);
    const { ports, first, linux } = found;
    expect(facts(records)).toEqual([
      `entered: modules=0 cmdline=/image nonce=${nonce} on=domu`,
      `ports: ${ports}`,
      "pirqs: 0",
      `once: VIRQ_TIMER=${first} VIRQ_DEBUG=${first + 1} ipi=${first + 2}`,
      "vcpu_info: 0",
      // The frame that was Linux's shared_info is RAM again.
      "holes: 0",
      // The reset leaves the grant table as it is (docs/soft-reset.md): a Linux that a PC has booted leaves an entry.
      expect.stringMatching(/^grants: [01]$/),
      expect.stringMatching(/^pages: \d+$/),
      `store: linux=${linux} write=0 read=written`,
      "slept: poll",
      "slept: timeout",
    ]);
    expect(exitOf(records)).toBe("0");
  }

  /** What our kernel finds where there was no reset. */
  function expectLeft(domain: DomainName, ports: RegExp, pirqs: RegExp): void {
    expect(peers.printed(domain)).toContain("Action for shutdown reason code 5 is preserve");
    expect(peers.printed(domain)).toContain("resume: 0");
    const records = peers.records(domain);
    expect(records.filter(({ kind }) => kind === "boot").map(({ payload }) => payload)).toEqual([
      "stage=runtime",
    ]);
    expect(facts(records)).toEqual([
      expect.stringMatching(ports),
      expect.stringMatching(pirqs),
      expect.stringMatching(/^once: VIRQ_TIMER=-17 VIRQ_DEBUG=([7-9]|\d\d) /),
      `vcpu_info: ${REGISTERED[release]}`,
    ]);
    expect(exitOf(records)).toBe("0");
  }

  test("all of it was done", () => {
    const { error, log, statuses } = peers;
    expect({ error, log, statuses }).toMatchObject({
      error: null,
      statuses: { pc: 0, pckept: 0, hvm: 0, reset: 0, kept: 0, onward: 0 },
    });
  });

  test.each(["reset", "hvm", "pc"] as const)("domain %s comes all the way", (domain) => {
    const lines = peers.lines(domain);
    const reached = STAGES.filter(([, sign]) => lines.some((line) => sign.test(line)));
    expect(reached.map(([stage]) => stage)).toEqual(STAGES.map(([stage]) => stage));
  });

  test("Linux jumps: it was Linux, and it had a store", () => {
    const refused = REFUSED[release].map((text) => expect.stringMatching(text) as string);
    for (const domain of ["kept", "reset", "hvm"] as const)
      expect(said(domain)).toEqual([
        "peer: xen PVH xen",
        expect.stringMatching(/^peer: found /),
        ...refused,
        "peer: jumps",
      ]);
    for (const domain of ["pc", "pckept"] as const)
      expect(said(domain)).toEqual([
        "peer: xen HVM xen",
        "peer: found ",
        ...refused,
        "peer: jumps",
      ]);
  });

  test("with the reset: everything is as in a new domain", () => {
    expectClean("reset", "reset", { ports: GIVEN, first: 3, linux: "here" });
    expect(facts(peers.records("reset"))).toContain("grants: 0");
    const pages = /^pages: (\d+)$/m.exec(facts(peers.records("reset")).join("\n"))?.[1];
    expect(Number(pages)).toBeGreaterThan(256 * 256);
    expect(peers.printed("reset")).toContain("console after Linux");
    expect(ends("reset")).toEqual(["5", "0"]);
  });

  test("without it: Linux's ports are there, and what a domain gives once is gone", () => {
    // Behind those that it was given Linux's: a VIRQ (4), and its IPIs (5).
    expectLeft("kept", new RegExp(`^ports: ${GIVEN},3:4(,\\d+:5)+$`), /^pirqs: 0$/);
  });

  test("our kernel jumps into Linux: console, store, and a poweroff that xl sees", () => {
    const records = peers.records("onward");
    expect(facts(records)).toEqual(["store: write=0"]);
    expect(records.filter(({ kind }) => kind === "trap" || kind === "fatal")).toEqual([]);
    // It has found what our kernel wrote.
    expect(said("onward")).toEqual(["peer: xen PVH xen", "peer: found before"]);
    const printed = peers.printed("onward");
    expect(printed).toContain("console before Linux");
    expect(printed).toContain("console of Linux");
    expect(ends("onward")).toEqual(["5", "0"]);
    expect(printed).toContain("Action for shutdown reason code 0 is destroy");
  });

  test("there and back in a domain of type hvm, reset by stock xl each time", () => {
    expect(facts(peers.records("hvm", "there"))).toEqual(["store: write=0"]);
    // xl makes the domain's nodes again.
    expectClean("hvm", "back", { ports: withDeviceModel, first: 5, linux: "" });
    expect(ends("hvm")).toEqual(["5", "5", "0"]);
    expect(peers.printed("hvm")).toContain("console after Linux");
  });

  test("a Linux that a PC has booted, reset by stock xl: everything is as in a new domain", () => {
    expectClean("pc", "pc", { ports: withDeviceModel, first: 5, linux: "" });
    expect(ends("pc")).toEqual(["5", "0"]);
    expect(peers.printed("pc")).toContain("console after Linux");
  });

  test("the same without the reset: Linux's ports, and its interrupts that come as events", () => {
    expectLeft(
      "pckept",
      new RegExp(`^ports: ${withDeviceModel},5:4(,\\d+:\\d)+$`),
      /^pirqs: [1-9]/,
    );
  });
});
