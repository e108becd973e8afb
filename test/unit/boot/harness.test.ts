/**
 * bootGuest() against a stand-in for QEMU that plays what a serial console says.
 * What it shows: only an exit record with the run's nonce, whole records and a
 * power-off are a success; everything else has its own verdict, exit code and
 * sentence. Why it matters: this is what every test of a guest rests on. How it
 * would fail: a verdict that is guessed, a hang, a QEMU that is left behind.
 */
import {
  access,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bootGuest, type BootOptions, type BootResult } from "../../../src/host/boot/boot.js";
import type { Stage } from "../../../src/host/boot/stages.js";
import { Cache } from "../../../src/host/cache/cache.js";
import { KINDS } from "../../../src/host/cache/kinds.js";
import {
  FAKE_QEMU,
  eventually,
  fakeImage,
  fakeQemu,
  fakeXen,
  isAlive,
  startedPids,
} from "../../fixtures/stand-ins.js";

let folder: string;
let image: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-harness-"));
  vi.stubEnv("XENLET_CACHE", path.join(folder, "cache"));
  image = await fakeImage(folder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

function boot(play: string, options: Partial<BootOptions> = {}): Promise<BootResult> {
  return bootGuest({
    on: "dom0",
    image,
    xen: fakeXen,
    qemu: fakeQemu,
    cmdline: `play=${play}`,
    ...options,
  });
}

async function pidFolder(): Promise<string> {
  return mkdtemp(path.join(folder, "pids-"));
}

describe("a success", () => {
  test("is an exit record, signed, and a power-off", async () => {
    const stages: Stage[] = [];
    const console: string[] = [];
    const result = await boot("ok", {
      onStage: (stage) => stages.push(stage),
      onConsole: (line, stream) => console.push(`${stream}:${line}`),
    });
    expect(result).toMatchObject({
      verdict: "exit",
      exitCode: 0,
      guestCode: 0,
      stage: "verdict",
      ended: { how: "poweroff", reason: 0 },
      damage: [],
      trap: null,
      xen: { banner: "4.17.7+0-stand-in" },
    });
    expect(stages).toEqual(["xen", "entered", "runtime", "verdict"]);
    expect(console).toEqual(["log:hello", "port:written by hand", "error:a complaint"]);
    expect(result.records.map(({ kind }) => kind)).toEqual([
      "boot",
      "boot",
      "log",
      "error",
      "step",
      "exit",
    ]);
    const log = await readFile(result.log ?? "", "utf8");
    expect(log).toContain("(d0) written by hand");
    expect(log.split("\n")[0]).toContain("-initrd");
  });

  test.each([
    [0, 0],
    [1, 1],
    [119, 119],
    [120, 125],
    [125, 125],
    [126, 126],
    [255, 255],
  ])("guest code %i exits with %i", async (code, exitCode) => {
    expect(await boot(`ok code=${code}`)).toMatchObject({
      verdict: "exit",
      guestCode: code,
      exitCode,
    });
  });

  test("can be long: 20 000 lines, none lost", async () => {
    const result = await boot("flood");
    expect(result).toMatchObject({ verdict: "exit", damage: [] });
    expect(result.records.filter(({ kind }) => kind === "log")).toHaveLength(20_000);
  });
});

describe("a crash, exit code 120, is", () => {
  test.each<[string, string, RegExp]>([
    ["an end without a verdict", "no-verdict", /powered off, and the guest had reported no result/],
    [
      "a crash after the verdict",
      "crash-after",
      /reported exit code 0, but then the domain crashed/,
    ],
    ["two verdicts", "two-verdicts", /exit records/],
    ["a verdict with another nonce", "forged", /reported no result/],
    ["a verdict without nonce", "unsigned", /reported no result/],
    ["a verdict of 256", "ok code=256", /exit records/],
    ["a verdict of -1", "ok code=-1", /exit records/],
    ["a verdict that is no number", "ok code=x", /exit records/],
    ["a lost line before a verdict", "gap", /records are damaged .*missing/],
    ["a trap", "trap", /trapped: out-of-bounds at address 0x12345/],
    ["an abort", "abort", /aborted at main.ts:3:7: it broke/],
    ["boot code that gives up", "fatal", /gave up: there is no Xen/],
    ["a reboot", "reboot", /requested a reboot/],
    ["a QEMU that goes in the middle", "leave", /QEMU ended \(exit code 3\)/],
    [
      "a panic of Xen's for want of nested paging",
      "no-npt",
      /Xen panicked \(Error creating d0: -95\): this CPU has no nested paging/,
    ],
    ["a panic of Xen's for want of a note", "no-note", /PVH entry/],
    ["a panic of Xen's for want of memory", "no-memory", /ran out of memory/],
    [
      "a panic of Xen's that nobody explains",
      "odd-panic",
      /Xen panicked \(Assertion 'nobody knows' failed\)$/,
    ],
  ])("%s", async (_name, play, message) => {
    const result = await boot(play);
    expect(result).toMatchObject({ verdict: "crash", exitCode: 120 });
    expect(result.message).toMatch(message);
  });

  test("a trap: with its frames, and the addresses where there are no names", async () => {
    const { trap } = await boot("trap");
    expect(trap).toMatchObject({ kind: "out-of-bounds", address: "0x12345" });
    expect(trap?.frames[0]).toMatchObject({ address: "0xffffffff80100010" });
  });
});

describe("a timeout, exit code 121, names the stage reached and shows the tail:", () => {
  test.each<[string, Stage, RegExp]>([
    ["silent", "qemu", /no banner within 300 ms/],
    ["stuck-xen", "xen", /did not reach the guest within 300 ms/],
    ["mute", "entered", /the guest printed nothing within 300 ms/],
    ["stuck-entry", "entered", /the guest printed nothing within 300 ms/],
    ["hang", "runtime", /reported no result within 300 ms; none of its vCPUs was running$/],
    [
      "running-on",
      "runtime",
      /reported no result within 300 ms; vCPU 0 was at run \(main.ts\), vCPU 1 was at run \(main.ts\)$/,
    ],
    [
      "deaf",
      "runtime",
      /reported no result within 300 ms; Xen did not respond to its debug key either$/,
    ],
    ["no-end", "verdict", /reported its exit code, but its domain did not end/],
  ])("%s", async (play, stage, message) => {
    // The other stages have time enough for a slow machine.
    const result = await boot(play, { deadlines: { [stage]: 300 } });
    expect(result).toMatchObject({ verdict: "timeout", exitCode: 121, stage });
    expect(result.message).toMatch(message);
    // What QEMU was called with is in the log, and no line of the console.
    expect(result.tail.length > 0).toBe(play !== "silent");
  });

  test("timeoutMs is the guest's", async () => {
    const result = await boot("hang", { timeoutMs: 400 });
    expect(result).toMatchObject({ verdict: "timeout", stage: "runtime", guestCode: null });
    expect(result.message).toContain("400 ms");
    expect(result.tail.at(-1)).toContain("stage=runtime");
  });
});

describe("host trouble, exit code 122, is", () => {
  test("a QEMU that refuses, in its own words", async () => {
    const result = await boot("refuse");
    expect(result).toMatchObject({ verdict: "host", exitCode: 122 });
    expect(result.message).toContain("could not load kernel");
  });

  test("a QEMU that somebody kills", async () => {
    expect(await boot("killed")).toMatchObject({ verdict: "host", exitCode: 122 });
  });

  test("a QEMU that is not there", async () => {
    const qemu = { ...fakeQemu, command: path.join(folder, "no-qemu"), args: [] };
    const outcome = await boot("ok", { qemu }).then(
      (result) => result.exitCode,
      (error: unknown) => (error as { exitCode: number }).exitCode,
    );
    expect(outcome).toBe(122);
  });
});

describe("bad input is refused before anything starts:", () => {
  test.each<[string, Partial<BootOptions>, RegExp]>([
    ["too little memory", { memoryMiB: 7 }, /expected a whole number of 8/],
    ["half a MiB", { memoryMiB: 64.5 }, /whole number/],
    ["no vCPU", { vcpus: 0 }, /vCPUs is 0/],
    ["no time", { timeoutMs: 0 }, /timeout/],
    ["a timeout that timers do not know", { timeoutMs: 2 ** 31 }, /timeout/],
    ["an invalid port", { gdbPort: 65_536 }, /port/],
    ["a command line beyond ASCII", { cmdline: "grüße" }, /printable ASCII/],
    ["a command line of two lines", { cmdline: "a\nb" }, /printable ASCII/],
    ["an image that is not there", { image: "/nowhere/guest.elf" }, /cannot read the image/],
    ["a log where no folder is", { log: "/nowhere/run.log" }, /cannot write the log/],
  ])("%s", async (_name, options, message) => {
    const pids = await pidFolder();
    const qemu = { ...fakeQemu, env: { FAKE_QEMU_PIDS: pids } };
    await expect(boot("ok", { qemu, ...options })).rejects.toThrow(message);
    await expect(boot("ok", { qemu, ...options })).rejects.toMatchObject({ exitCode: 123 });
    expect(await startedPids(pids)).toEqual([]);
  });

  test("an image that is none, unless it is forced", async () => {
    await expect(boot("ok", { image: FAKE_QEMU })).rejects.toThrow(/not an ELF file/);
    expect((await boot("ok", { image: FAKE_QEMU, force: true })).verdict).toBe("exit");
  });
});

describe("QEMU has exited", () => {
  async function afterwards(run: (qemu: typeof fakeQemu) => Promise<unknown>): Promise<void> {
    const pids = await pidFolder();
    await run({ ...fakeQemu, env: { FAKE_QEMU_PIDS: pids } });
    const started = await startedPids(pids);
    expect(started).toHaveLength(1);
    expect(started.filter(isAlive)).toEqual([]);
  }

  test("after a success", () => afterwards((qemu) => boot("ok", { qemu })));
  test("after a timeout", () =>
    afterwards((qemu) => boot("hang", { qemu, deadlines: { runtime: 200 } })));
  test("after an abort, which rejects with the signal's reason", () =>
    afterwards(async (qemu) => {
      const abort = new AbortController();
      const reason = new Error("enough");
      const onStage = (stage: Stage): void => {
        if (stage === "runtime") abort.abort(reason);
      };
      await expect(boot("hang", { qemu, signal: abort.signal, onStage })).rejects.toBe(reason);
    }));
  test("after a callback that throws", () =>
    afterwards(async (qemu) => {
      const onRecord = (): void => {
        throw new Error("the caller's own");
      };
      await expect(boot("ok", { qemu, onRecord })).rejects.toThrow("the caller's own");
    }));

  test("before it starts, if the abort came first", async () => {
    const pids = await pidFolder();
    const qemu = { ...fakeQemu, env: { FAKE_QEMU_PIDS: pids } };
    await expect(
      boot("ok", { qemu, signal: AbortSignal.abort(new Error("early")) }),
    ).rejects.toThrow("early");
    expect(await startedPids(pids)).toEqual([]);
  });
});

test("boots at the same time do not disturb each other", async () => {
  const codes = [0, 1, 2, 3, 4, 5];
  const results = await Promise.all(codes.map((code) => boot(`ok code=${code}`)));
  expect(results.map((result) => result.guestCode)).toEqual(codes);
  expect(new Set(results.map((result) => result.log)).size).toBe(codes.length);
  for (const result of results) expect(await readFile(result.log ?? "", "utf8")).toContain("hello");
});

describe("the log", () => {
  test("goes where it is wanted", async () => {
    const log = path.join(folder, "wanted.log");
    expect((await boot("ok", { log })).log).toBe(log);
    expect(await readFile(log, "utf8")).toContain("(d0) written by hand");
  });

  test("on a full disk costs the log, not the run", async () => {
    const result = await boot("ok", { log: "/dev/full" });
    expect(result).toMatchObject({ verdict: "exit", exitCode: 0, log: null });
    expect(result.logError).toContain("ENOSPC");
    expect(result.tail.join("\n")).toContain("written by hand");
  });

  test("in a cache that cannot be written costs the log, not the run", async () => {
    await writeFile(path.join(folder, "a-file"), "");
    vi.stubEnv("XENLET_CACHE", path.join(folder, "a-file"));
    try {
      expect(await boot("ok")).toMatchObject({
        verdict: "exit",
        log: null,
        logError: expect.stringContaining("cannot write") as string,
      });
    } finally {
      vi.stubEnv("XENLET_CACHE", path.join(folder, "cache"));
    }
  });

  test("is one of the last hundred: older ones go, young ones stay", async () => {
    const logs = path.join(folder, "cache", "logs");
    await mkdir(logs, { recursive: true });
    const long = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (let i = 0; i < 120; i++) {
      const file = path.join(logs, `2000${String(i).padStart(4, "0")}.log`);
      await writeFile(file, "");
      if (i > 0) await utimes(file, long, long);
    }
    const result = await boot("ok");
    const names = await readdir(logs);
    expect(names).toContain("20000000.log");
    expect(names).not.toContain("20000001.log");
    expect(names).toContain("20000119.log");
    await access(result.log ?? "");
  });
});

test("a boot that failed with a wrong byte in the cache is told as that, with what was seen", async () => {
  const { tree } = await new Cache().provide(KINDS.hypervisors, "rotten", async (at) => {
    await writeFile(path.join(at.tree, "xen"), "hypervisor");
    await utimes(path.join(at.tree, "xen"), 1e9, 1e9);
    return undefined;
  });
  await writeFile(path.join(tree, "xen"), "hyperv1sor");
  await utimes(path.join(tree, "xen"), 1e9, 1e9);
  expect((await boot("ok")).verdict).toBe("exit");
  expect(await boot("trap")).toMatchObject({
    verdict: "host",
    exitCode: 122,
    message: expect.stringMatching(
      /cache was damaged(.|\n)*rotten: tree\/xen(.|\n)*trapped/,
    ) as string,
  });
  // It is gone, and the next failure is the guest's own.
  expect((await boot("trap")).verdict).toBe("crash");
});

test("an image whose path has white space or a comma is booted all the same", async () => {
  const odd = path.join(folder, "a b,c");
  await mkdir(odd);
  const file = await fakeImage(odd);
  const log = path.join(folder, "odd.log");
  expect((await boot("ok", { image: file, log })).verdict).toBe("exit");
  const [, link = ""] = /-initrd '(\S+) nonce=/.exec(await readFile(log, "utf8")) ?? [];
  expect(link).not.toContain(",");
  expect((await stat(link)).ino).toBe((await stat(file)).ino);
  const comma = path.join(folder, "a,b.elf");
  await symlink(image, comma);
  expect((await boot("ok", { image: comma, log })).verdict).toBe("exit");
  expect(await readFile(log, "utf8")).toContain("a,,b.elf nonce=");
});

test("a run that is gone leaves no timer and no process: nothing keeps Node alive", async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  await boot("ok");
  const quiet = (): boolean =>
    process.getActiveResourcesInfo().filter((name) => name === "Timeout").length <= before + 1;
  expect(await eventually(quiet)).toBe(true);
});
