// A guest as a domain of our own toolstack, on a real Xen: what it finds, what it says, how it ends, what is typed.
// Why: it is how `xenlet run` runs a guest unless told otherwise. Fails if the loader's tables are not what a PVH
// kernel is promised, if a line of the guest's is lost or out of order however many there are, or if an end is
// reported with another reason than the domain's.

import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import type { BootOptions, BootResult } from "../../src/host/boot/boot.js";
import { provideXen, type XenRelease } from "../../src/host/debian/index.js";
import { createProgress } from "../../src/host/base/progress.js";
import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/domu.ts");
});

/** Boots the guest that does `what`. */
async function domu(what: string, options: Partial<BootOptions> = {}): Promise<BootResult> {
  return boot(image, { on: "domu", cmdline: `do=${what}`, memoryMiB: 16, ...options });
}

async function on(release: XenRelease): Promise<Pick<BootOptions, "xen">> {
  return { xen: await provideXen(release, createProgress(process.stderr, { quiet: true })) };
}

const OTHER_RELEASES = ["4.14", "4.20"] as const;

/** What test/boot/guest/domu.ts says with do=talk. */
const TALK = Array.from({ length: 330 }, (_, i) => `${String(i)} ${"über 😀 ".repeat(i % 31)}`);

function expectTalk(result: BootResult): void {
  expectSuccess(result);
  expect(printed(result)).toEqual(TALK);
  // The console's records and the debug port's, in the order in which the guest said them.
  const steps = TALK.flatMap((line, i) => (i % 7 === 0 ? [line, String(i)] : [line]));
  expect(
    result.records.filter(({ kind }) => kind === "log" || kind === "step").map((r) => r.payload),
  ).toEqual(steps);
}

describe("what the guest says", () => {
  test("100 KB of it, by two ways, arrive whole and in order", async () => {
    const bytes = TALK.reduce((sum, line) => sum + encodeURIComponent(line).length, 0);
    expect(bytes).toBeGreaterThan(100_000);
    const result = await domu("talk");
    expectTalk(result);
  });

  test.each(OTHER_RELEASES)("also on Xen %s", async (release) => {
    expectTalk(await domu("talk", await on(release)));
  });

  test("in lines longer than the ring is whole as well", async () => {
    const result = await domu("long-lines");
    expectSuccess(result);
    expect(printed(result)).toEqual([
      ...[2000, 5001, 8002].map((length) => `long ${"€".repeat(length)} end`),
      "short",
    ]);
  });
});

describe("what the loader hands over", () => {
  interface Sized {
    memoryMiB: number;
    vcpus: number;
  }
  const map = ({ memoryMiB }: Sized): string[] => {
    const bytes = memoryMiB * 2 ** 20;
    const low = Math.min(bytes, 0xf000_0000);
    return [
      `map 0 ${low.toString(16)} 1`,
      "map fc000000 1000 3",
      "map feff8000 8000 2",
      ...(bytes > low ? [`map 100000000 ${(bytes - low).toString(16)} 1`] : []),
    ];
  };
  /** A machine of that size serves one test: to save it first would take longer. */
  const startOf = ({ memoryMiB }: Pick<Sized, "memoryMiB">): Pick<BootOptions, "boot"> =>
    memoryMiB >= 512 ? { boot: "cold" } : {};
  const expectStartInfo = (result: BootResult, sized: Sized): void => {
    expectSuccess(result);
    const { vcpus } = sized;
    expect(printed(result)).toEqual([
      "version 1 modules 0",
      ...map(sized),
      "rsdp fc000000 'RSD PTR ' sums 0 0",
      "XSDT size=52 sum=0",
      "FACP size=276 sum=0",
      "hardware-reduced 1",
      "DSDT size=36 sum=0",
      `APIC size=${String(44 + 8 * vcpus)} sum=0`,
      ...Array.from(
        { length: vcpus },
        (_, id) => `madt type=0 processor=${String(id)} apic=${String(2 * id)} flags=1`,
      ),
    ]);
  };

  test.each([
    { memoryMiB: 8, vcpus: 1 },
    { memoryMiB: 9, vcpus: 3 },
    { memoryMiB: 512, vcpus: 4 },
    { memoryMiB: 5000, vcpus: 2 },
  ])("start_info, memory map and ACPI tables, $memoryMiB MiB, $vcpus vCPUs", async (sized) => {
    expectStartInfo(await domu("start-info", { ...sized, ...startOf(sized) }), sized);
  });

  test.each(OTHER_RELEASES)("the same on Xen %s", async (release) => {
    const sized = { memoryMiB: 64, vcpus: 2 };
    expectStartInfo(await domu("start-info", { ...sized, ...(await on(release)) }), sized);
  });

  test.each([8, 512])("all of %i MiB are there", async (memoryMiB) => {
    const result = await domu("fill", { memoryMiB, ...startOf({ memoryMiB }) });
    expectSuccess(result);
    const [, found = "0", wrong] = /^MiB (\d+) wrong (\d+)$/.exec(printed(result)[0] ?? "") ?? [];
    expect(wrong).toBe("0");
    expect(Number(found)).toBeGreaterThan(memoryMiB - 6);
  });

  test("all vCPUs run", async () => {
    for (const vcpus of [1, 4])
      expect(printed(await domu(`vcpus vcpus=${String(vcpus)}`, { vcpus })), String(vcpus)).toEqual(
        [`vcpus ${String(vcpus)}`],
      );
  });

  test("the command line, as long as Xen passes one on", async () => {
    const words = `do=cmdline ${"x".repeat(1008)} end`;
    const result = await boot(image, { on: "domu", cmdline: words });
    expectSuccess(result);
    expect(printed(result)[0]).toBe(words);
    await expect(boot(image, { on: "domu", cmdline: "x".repeat(1024) })).rejects.toThrow(
      /command line has \d+ bytes.*at most 1023/,
    );
  });

  test("modules, eight of them, whole", async () => {
    const sizes = [1, 0, 4096, 4097, 1_500_000, 70_001, 0, 3];
    const files = await Promise.all(
      sizes.map(async (size, index) => {
        const bytes = Uint8Array.from(
          { length: size },
          (_, i) => (i * 31 + index + (i >> 8)) % 256,
        );
        const file = scratch(`module-${String(index)}`);
        await writeFile(file, bytes);
        const hash = bytes.reduce((h, byte) => Math.imul(h ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
        return { file, said: `module ${String(index)} size=${String(size)} fnv1a=${String(hash)}` };
      }),
    );
    const modules = files.map(({ file }) => file);
    const result = await domu("modules", { modules, memoryMiB: 32 });
    expectSuccess(result);
    expect(printed(result)).toEqual(files.map(({ said }) => said));
    await expect(domu("modules", { modules: [...modules, ...modules] })).rejects.toThrow(
      /16 modules, at most 8/,
    );
  });
});

describe("how the domain ends is told with its reason:", () => {
  test.each<[string, number, string]>([
    [
      "poweroff without a verdict",
      0,
      "the domain powered off, and the guest had reported no result",
    ],
    ["reboot", 1, "the domain requested a reboot"],
    ["suspend", 2, "the domain requested suspend"],
    ["crash", 3, "the domain crashed"],
    ["watchdog", 4, "the domain's watchdog fired"],
    ["6, which is unknown to Xen", 6, "the domain shut down with reason 6"],
    ["255", 255, "the domain shut down with reason 255"],
  ])("%s", async (_name, reason, message) => {
    const result = await domu(`end reason=${String(reason)}`);
    expect(result).toMatchObject({ verdict: "crash", exitCode: 120, ended: { reason } });
    expect(result.message).toContain(message);
  });

  test("a watchdog that fires", async () => {
    const result = await domu("watchdog");
    expect(result).toMatchObject({ verdict: "crash", ended: { how: "watchdog", reason: 4 } });
  });

  test("a trap, with the guest's own words", async () => {
    const result = await domu("trap");
    expect(result).toMatchObject({ verdict: "crash", ended: { how: "crash", reason: 3 } });
    expect(result.trap?.kind).toBe("unreachable");
    expect(result.trap?.frames[0]?.text).toMatch(/^top level \(domu\.ts:\d+\)$/);
    expect(result.message).toMatch(/^the guest trapped at domu\.ts:\d+: unreachable$/);
  });

  test("an exception, with its place", async () => {
    expect((await domu("throw")).message).toMatch(/aborted at domu\.ts:\d+:\d+: on purpose/);
  });
});

describe("a domain that asks for a soft reset", () => {
  const reports = (result: BootResult): string[] =>
    result.toolstackRecords.filter(({ kind }) => kind === "domain").map(({ payload }) => payload);

  test.each(["4.14", "4.17", "4.20"] as const)(
    "goes on, three times in a row, on Xen %s",
    async (release) => {
      const result = await domu("reset times=3", await on(release));
      expectSuccess(result);
      expect(printed(result)).toEqual(["reset 0 = 0", "reset 1 = 0", "reset 2 = 0"]);
      expect(reports(result).filter((line) => line.includes("event=soft-reset"))).toEqual(
        Array.from({ length: 3 }, () => "domid=1 event=soft-reset result=0"),
      );
    },
  );

  test("on_soft_reset=resume: it goes on, and nothing was reset", async () => {
    const result = await domu("reset", { onSoftReset: "resume" });
    expect(reports(result).join()).toContain("event=resumed result=0");
    expect(reports(result).join()).not.toContain("event=soft-reset");
    expect(result.ended?.reason).not.toBe(5);
  });

  test("on_soft_reset=destroy: it is gone, and the message says what a toolstack says", async () => {
    const result = await domu("request", { onSoftReset: "destroy" });
    expect(result).toMatchObject({ verdict: "crash", exitCode: 120, ended: { reason: 5 } });
    expect(result.message).toContain("Unknown shutdown reason code 5. Destroying domain");
    expect(printed(result)).toEqual([]);
  });
});

describe("what is typed reaches the guest's console,", () => {
  const typed = (size: number): string =>
    Array.from({ length: size }, (_, i) => String.fromCharCode(33 + (i % 90))).join("");

  test("if it is ASCII", async () => {
    const result = await domu("typed", { typed: "hello there\r" });
    expectSuccess(result);
    expect(printed(result)[0]).toBe("typed hello there");
    await expect(domu("typed", { typed: "grüße" })).rejects.toThrow(/must be ASCII/);
  });

  test.each(OTHER_RELEASES)("also on Xen %s", async (release) => {
    const result = await domu("typed", { typed: "hello\r", ...(await on(release)) });
    expect(printed(result)[0]).toBe("typed hello");
  });

  test("whole, if it is more than the ring holds and nobody reads for a while", async () => {
    const words = typed(3000);
    const result = await domu("typed wait=300", { typed: `${words}\r` });
    expect(printed(result)).toEqual([`typed ${words}`, expect.stringMatching(/^slept/)]);
  });

  test("and is heard of by a guest that fills the ring to the outside meanwhile", async () => {
    const result = await domu("typed-meanwhile", { typed: "x" });
    expectSuccess(result);
    expect(printed(result).at(-1)).toBe("heard of 1");
  });

  test("the control: with nothing typed, it waits", async () => {
    const result = await domu("typed", { timeoutMs: 1500 });
    expect(result).toMatchObject({ verdict: "timeout", stage: "runtime" });
  });
});

test("a guest that only sleeps misses its deadline, and its last words are there", async () => {
  const result = await domu("hang", { timeoutMs: 2000 });
  expect(result).toMatchObject({ verdict: "timeout", exitCode: 121, stage: "runtime" });
  expect(result.message).toContain("the guest ran, but reported no result within 2 s");
});
