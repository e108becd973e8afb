// What goes into a dom0 and what comes out of it, without booting one: archives, libraries, xl.cfg, dom0's lines.
// Why: Linux unpacks a bad archive without a word, xl reads a bad string as another one, and a verdict rests on what
// dom0's lines are taken for. Fails if an archive does not have what was put in, if a line
// of another nonce counts, or if an end that xl did not see is reported as one.

import { execa } from "execa";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";

import { Monitor } from "../../../src/host/boot/monitor.js";
import { encodeRecord } from "../../../src/host/protocol/record.js";
import type { Stage } from "../../../src/host/boot/stages.js";
import { judge } from "../../../src/host/boot/verdict.js";
import { writeCpio } from "../../../src/host/xl/cpio.js";
import { Dom0Lines } from "../../../src/host/xl/dom0-lines.js";
import { librariesFor, neededBy } from "../../../src/host/xl/library-closure.js";
import { commentedXlConfig, quote, xlConfig } from "../../../src/host/xl/xl-config.js";

const folder = await mkdtemp(path.join(tmpdir(), "xenlet-xl-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a cpio archive", () => {
  const entries = [
    { type: "file", path: "a/b/program", data: Buffer.from("odd"), executable: true },
    { type: "file", path: "a/b/empty", data: Buffer.alloc(0) },
    { type: "link", path: "a/link", target: "b/program" },
    { type: "directory", path: "proc" },
  ] as const;

  test("has what was put in, each folder before what is in it", () => {
    expect(read(writeCpio([...entries]))).toEqual([
      { name: "a", mode: 0o40755, data: "" },
      { name: "a/b", mode: 0o40755, data: "" },
      { name: "a/b/program", mode: 0o100755, data: "odd" },
      { name: "a/b/empty", mode: 0o100644, data: "" },
      { name: "a/link", mode: 0o120777, data: "b/program" },
      { name: "proc", mode: 0o40755, data: "" },
    ]);
  });

  test("is the same for the same contents, and ends where another one may begin", () => {
    const bytes = writeCpio([...entries]);
    expect(writeCpio([...entries]).equals(bytes)).toBe(true);
    expect(bytes.length % 4).toBe(0);
  });

  test("takes no path that would leave it", () => {
    for (const wrong of ["/etc/x", "a/../b", "a//b"])
      expect(() => writeCpio([{ type: "directory", path: wrong }])).toThrow(/expected a path/);
  });
});

/** The members of an archive, by Linux's description of the format: up to the trailer. */
function read(archive: Buffer): { name: string; mode: number; data: string }[] {
  const members: { name: string; mode: number; data: string }[] = [];
  const up = (value: number): number => Math.ceil(value / 4) * 4;
  for (let at = 0; ;) {
    expect(archive.toString("latin1", at, at + 6)).toBe("070701");
    const field = (index: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const name = archive.toString("latin1", at + 110, at + 110 + nameSize - 1);
    const data = up(at + 110 + nameSize);
    if (name === "TRAILER!!!") return members;
    members.push({ name, mode, data: archive.toString("latin1", data, data + size) });
    at = up(data + size);
  }
}

describe("libraries", () => {
  test("of this node are those that ldd names", async () => {
    const names = neededBy(await readFile(process.execPath), "node");
    const { stdout } = await execa("ldd", [process.execPath]);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(stdout).toContain(name);
  });

  test("that are missing are named, with who needs them", async () => {
    await writeFile(path.join(folder, "node"), await readFile(process.execPath));
    await expect(librariesFor(folder, ["node"], [], ["lib"])).rejects.toThrow(
      /which node needs, is missing/,
    );
  });
});

describe("xl.cfg", () => {
  const domain = { name: "d", image: "/i", memoryMiB: 24, vcpus: 2, cmdline: 'say "a\\b"' };

  test("escapes what xl's parser reads as more than itself", () => {
    expect(quote('say "a\\b"')).toBe('"say \\"a\\\\b\\""');
  });

  test("says the same with comments and without", () => {
    const plain = (text: string): string[] =>
      text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(plain(commentedXlConfig(domain))).toEqual(plain(xlConfig(domain)));
    expect(plain(xlConfig(domain))).toContain('type = "pvh"');
    expect(plain(xlConfig(domain))).toContain('on_soft_reset = "destroy"');
    const hvm = { ...domain, type: "hvm" } as const;
    expect(plain(commentedXlConfig(hvm))).toEqual(plain(xlConfig(hvm)));
    expect(plain(xlConfig(hvm))).toContain('firmware_override = "/i"');
    // What libxl would pass over without a word.
    expect(xlConfig(hvm)).not.toMatch(/^(kernel|cmdline|ramdisk) /m);
  });
});

describe("dom0's lines", () => {
  const GUEST = "gg";
  const DOM0 = "00";

  /** What the boot comes to, after these lines. */
  function told(lines: string[]) {
    const stages: Stage[] = [];
    const monitor = new Monitor({
      nonce: GUEST,
      toolstackNonce: DOM0,
      onStage: (stage) => stages.push(stage),
    });
    const reader = new Dom0Lines(DOM0);
    for (const line of lines) for (const said of reader.read(line)) monitor.push(said);
    monitor.end();
    return { stages, verdict: judge(monitor, { type: "ending" }), monitor };
  }

  const exit = encodeRecord({ kind: "exit", payload: "code=0" }, GUEST, 1).map(
    (line) => `(d1) ${line}`,
  );
  const log = encodeRecord({ kind: "log", payload: "hello" }, GUEST, 0);

  test("and a guest's make a success: its console, its code, and xl's word for its end", () => {
    const { stages, verdict, monitor } = told([
      "~d0 00 stage dom0",
      "~d0 00 stage xl-create",
      ...exit,
      "~d0 00 xl Domain 1 has shut down, reason code 0 0x0",
      `~d0 00 console ${log[0] ?? ""}`,
      "~d0 00 ended 0",
    ]);
    expect(verdict).toMatchObject({ verdict: "exit", exitCode: 0 });
    expect(stages).toEqual(["dom0", "xl-create", "runtime", "verdict"]);
    expect(monitor.records.map(({ kind }) => kind)).toEqual(["log", "exit"]);
  });

  test("the control: another nonce's end is none", () => {
    const { verdict } = told([
      ...exit,
      "~d0 11 xl Domain 1 has shut down, reason code 0 0x0",
      "~d0 11 ended 0",
    ]);
    expect(verdict.verdict).not.toBe("exit");
  });

  test("are put together where a domain's debug port came between their pieces", () => {
    const line = `~d0 00 console ${log[0] ?? ""}`;
    const end = ["~d0 00 xl Domain 1 has shut down, reason code 0 0x0", "~d0 00 ended 0"];
    const whole = told([line, ...exit, ...end]);
    for (let at = 1; at < line.length; at++) {
      const { verdict, monitor } = told([
        line.slice(0, at) + (exit[0] ?? ""),
        "(XEN) something of Xen's",
        line.slice(at),
        ...end,
      ]);
      expect(monitor.damage).toEqual([]);
      expect(monitor.records).toEqual(whole.monitor.records);
      expect(verdict.message).toBe(whole.verdict.message);
    }
    // What never comes is damage, as before; and a guest that prints such a line has printed it.
    expect(told([line.slice(0, 30) + (exit[0] ?? ""), ...end]).monitor.damage).not.toEqual([]);
    const printed = encodeRecord({ kind: "log", payload: exit[0] ?? "" }, GUEST, 0);
    const { monitor } = told([`~d0 00 console ${printed[0] ?? ""}`, ...end]);
    expect(monitor.records.map(({ kind, payload }) => [kind, payload])).toEqual([["log", exit[0]]]);
  });

  test("tell why a soft reset came to nothing", () => {
    const { verdict } = told([
      "~d0 00 xl Domain 1 has shut down, reason code 5 0x5",
      "~d0 00 xl Action for shutdown reason code 5 is soft-reset",
      "~d0 00 ended 6",
    ]);
    expect(verdict.verdict).toBe("crash");
    expect(verdict.message).toContain("libxl does not reset PVH domains");
  });

  test("tell of an xl that made no domain, by its last words", () => {
    const { verdict } = told(["~d0 00 xl xl: fatal error: no such file", "~d0 00 ended 1"]);
    expect(verdict).toMatchObject({ verdict: "host", exitCode: 122 });
    expect(verdict.message).toContain("xl create ended with 1: xl: fatal error: no such file");
  });

  test("tell of a daemon that did not start", () => {
    const { verdict } = told(["~d0 00 failed oxenstored did not start"]);
    expect(verdict.message).toContain("oxenstored did not start");
  });
});
