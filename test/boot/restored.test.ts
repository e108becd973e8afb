// A boot that continues from a saved state comes to what one from the start does, and what is wrong with a state costs a
// note and nothing else.
// Why: it is how `xenlet run` and `xenlet test` boot unless told otherwise, so a difference would make every result of
// theirs doubtful. Fails if a record differs, if two runs share what each has to have for itself, if the guest's clock
// stands where the state was saved, or if a damaged state fails a run.

import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";

import { createProgress } from "../../src/host/base/progress.js";
import type { BootOptions, BootResult } from "../../src/host/boot/boot.js";
import { cacheFolder } from "../../src/host/cache/cache-folder.js";
import { XEN_RELEASES, provideXen } from "../../src/host/debian/index.js";
import { extent } from "../fixtures/extent.js";
import { boot, build, expectSuccess, printed, scratch, xen } from "./setup.js";

let domu: string;
let clock: string;

beforeAll(async () => {
  domu = await build("test/boot/guest/domu.ts");
  const source = scratch("clock.ts");
  await writeFile(
    source,
    `import { systemTime } from "xenlet";
     console.log("wall " + Date.now().toString() + " system " + (systemTime() / 1000000).toString());
     const bytes = new Uint8Array(16);
     crypto.getRandomValues(bytes);
     console.log("random " + Math.random().toString() + " " + bytes.join("-"));`,
  );
  clock = await build(source);
});

async function run(image: string, options: Partial<BootOptions> = {}): Promise<BootResult> {
  const result = await boot(image, { on: "domu", ...options });
  expectSuccess(result);
  return result;
}

/**
 * One that went on from a saved state. Saved while the host was busy, a state may have a clock that Xen measured wrongly:
 * it is thrown away, the run boots cold, and the next one saves again.
 */
async function runRestored(image: string, options: Partial<BootOptions> = {}): Promise<BootResult> {
  for (let tries = 1; ; tries++) {
    const result = await run(image, { ...options, boot: "restored" });
    if (result.boot === "restored" || tries === 5) return result;
  }
}

/** What a run said, but for nonces, times and addresses. */
function said(result: BootResult): string[] {
  return [...result.toolstackRecords, ...result.records].map(
    ({ kind, payload, signed }) => `${kind} ${String(signed)} ${payload}`,
  );
}

test.each([
  ...extent(["4.17"] as const, XEN_RELEASES).map((version) => [version, 1] as const),
  ["4.17", 2] as const,
])(
  "the records are the same as of a boot from the start, Xen %s, vCPUs: %d",
  async (version, vcpus) => {
    const ran =
      version === "4.17"
        ? xen
        : await provideXen(version, createProgress(process.stderr, { quiet: true }));
    const options = { cmdline: "do=start-info", vcpus, memoryMiB: 64, xen: ran };
    const [cold, restored] = [
      await run(domu, { ...options, boot: "cold" }),
      await runRestored(domu, options),
    ];
    expect([cold.boot, restored.boot]).toEqual(["cold", "restored"]);
    expect(said(restored)).toEqual(said(cold));
    expect(restored.xen.banner).toBe(cold.xen.banner);
    expect(restored.stage).toBe(cold.stage);
  },
);

test("two restored runs have their own randomness and their own clock", async () => {
  const before = Date.now();
  const first = printed(await runRestored(clock));
  const second = printed(await runRestored(clock));
  const [, number, bytes] = /^random (0\.\d+) (\d+(?:-\d+){15})$/.exec(first[1] ?? "") ?? [];
  expect(number).toBeDefined();
  expect(second[1]).toMatch(/^random 0\.\d+ \d+-/);
  expect(second[1]).not.toContain(number);
  expect(second[1]).not.toContain(bytes);
  const [wall] = /(?<=wall )\d+/.exec(first[0] ?? "") ?? ["0"];
  // Not when the state was saved, nor in the future: the job that brings the time was written during this test.
  expect(Number(wall)).toBeGreaterThanOrEqual(before);
  expect(Number(wall)).toBeLessThanOrEqual(Date.now());
});

/** Machines that no other test has. */
const OWN_MACHINE = { pcpus: 3, memoryMiB: 64 };

test.each(["state", "ram"])(
  "a saved machine that does not restore, for its file %s, is thrown away with a note, and the boot begins at the start",
  async (name) => {
    const notes: string[] = [];
    const good = await runRestored(clock, OWN_MACHINE);
    const options = { ...OWN_MACHINE, onNote: (text: string) => notes.push(text) };
    expect(good.boot).toBe("restored");
    const state = /^# restored from (.*), whose boot/m.exec(
      await readFile(good.log ?? "", "utf8"),
    )?.[1];
    if (state === undefined) throw new Error("the log does not name the state");
    const file = path.join(path.dirname(state), name);
    expect(file.startsWith(cacheFolder())).toBe(true);
    // What the cache sees at a glance, size and time, stays: so QEMU is given it.
    const reference = scratch("state");
    await execa("touch", ["--reference", file, reference]);
    if (name === "ram") {
      const { size } = await stat(file);
      await truncate(file);
      await truncate(file, size);
    } else await writeFile(file, (await readFile(file)).fill(0xff, 4096));
    await execa("touch", ["--reference", reference, file]);
    expect((await run(clock, options)).boot).toBe("cold");
    expect(notes).toEqual([expect.stringMatching(/this boot starts from the beginning/)]);
    // Saved again when it is needed next.
    expect((await runRestored(clock, OWN_MACHINE)).boot).toBe("restored");
  },
);

test("where a boot has to begin at the start, it does; and asked for another, it says why", async () => {
  expect((await run(clock, { memoryMiB: 3000 })).boot).toBe("cold");
  expect((await run(clock, { xenArgs: ["console_timestamps=boot"] })).boot).toBe("cold");
  await expect(
    boot(clock, { on: "domu", boot: "restored", xenArgs: ["console_timestamps=boot"] }),
  ).rejects.toThrow(/additional Xen options/);
  await expect(boot(clock, { on: "dom0", boot: "restored" })).rejects.toThrow(/the guest as dom0/);
});
