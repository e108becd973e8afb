/**
 * No QEMU is left behind, however the command ends. Why it matters: an orphan
 * eats a core until somebody notices. How it would fail: a clean-up that needs
 * the dying process to run code, which SIGKILL does not let it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { FAKE_QEMU, eventually, isAlive, startedPids } from "../../fixtures/stand-ins.js";
import { bundleCommand, type Command } from "./command.js";

let xenlet: Command;
beforeAll(async () => {
  xenlet = await bundleCommand();
});
afterAll(() => xenlet.dispose());

/** Every stand-in that a test started: one that fails must not leave the orphan that it found. */
const standIns: number[] = [];
afterEach(() => {
  for (const pid of standIns.splice(0).filter(isAlive)) process.kill(pid, "SIGKILL");
});

interface Started {
  child: ChildProcess;
  qemu: number;
  stdout: () => string;
  stderr: () => string;
}

/** Starts a program that starts the stand-in, and waits until that is there. */
async function start(args: string[]): Promise<Started> {
  const pids = await mkdtemp(path.join(xenlet.folder, "pids-"));
  const child = spawn(process.execPath, args, {
    cwd: xenlet.folder,
    env: { ...xenlet.env, FAKE_QEMU_PIDS: pids },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  expect(await eventually(async () => (await startedPids(pids)).length > 0), stderr).toBe(true);
  const [qemu = 0] = await startedPids(pids);
  standIns.push(qemu);
  expect(isAlive(qemu)).toBe(true);
  return { child, qemu, stdout: () => stdout, stderr: () => stderr };
}

const hanging = (...options: string[]) =>
  start([xenlet.entry, "run", xenlet.image, ...xenlet.xen, "--cmdline", "play=hang", ...options]);

describe("after", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s: QEMU has exited, the log is named, and the command dies of that signal",
    async (signal) => {
      const { child, qemu, stderr } = await hanging();
      child.kill(signal);
      const [code, died] = (await once(child, "close")) as [number | null, string | null];
      expect({ code, died }).toEqual({ code: null, died: signal });
      expect(await eventually(() => !isAlive(qemu))).toBe(true);
      expect(stderr()).toContain(`interrupted by ${signal}`);
      expect(stderr()).toMatch(/log: .*\.log/);
    },
  );

  test("SIGINT with --json: there is a document", async () => {
    const { child, stdout } = await hanging("--json");
    child.kill("SIGINT");
    await once(child, "close");
    expect(JSON.parse(stdout())).toMatchObject({ error: "interrupted by SIGINT", exitCode: 130 });
  });

  test("SIGKILL, which lets nobody clean up: QEMU has exited", async () => {
    const { child, qemu } = await hanging();
    child.kill("SIGKILL");
    await once(child, "close");
    expect(await eventually(() => !isAlive(qemu))).toBe(true);
  });

  test("Ctrl-C on a terminal: QEMU has exited", async () => {
    const pids = await mkdtemp(path.join(xenlet.folder, "pids-"));
    const command = [
      process.execPath,
      xenlet.entry,
      "run",
      xenlet.image,
      ...xenlet.xen,
      "--cmdline",
      "play=hang",
    ].join(" ");
    const child = spawn("script", ["-qec", command, "/dev/null"], {
      env: { ...xenlet.env, FAKE_QEMU_PIDS: pids, TERM: "xterm" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let shown = "";
    child.stdout.on("data", (bytes: Buffer) => (shown += bytes.toString()));
    expect(await eventually(async () => (await startedPids(pids)).length > 0)).toBe(true);
    const [qemu = 0] = await startedPids(pids);
    standIns.push(qemu);
    child.stdin.write("\u0003");
    const [code] = (await once(child, "close")) as [number | null];
    expect(code).toBe(130);
    expect(await eventually(() => !isAlive(qemu))).toBe(true);
    expect(shown).toContain("interrupted by SIGINT");
  });

  test("the control: a QEMU started without care outlives its parent's SIGKILL", async () => {
    const program =
      `require("node:child_process").spawn(process.execPath, [${JSON.stringify(FAKE_QEMU)}, ` +
      `"-initrd", "image play=hang"], { detached: true, stdio: "ignore" })`;
    const { child, qemu } = await start(["-e", program]);
    child.kill("SIGKILL");
    await once(child, "close");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(isAlive(qemu)).toBe(true);
  });
});
