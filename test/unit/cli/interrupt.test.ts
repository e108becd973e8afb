/**
 * Ctrl-C, and SIGTERM, at every stage. What it shows: whatever is under way then (apt downloads, asc runs a transform
 * that never returns, gcc compiles, QEMU boots) has ended when the command has, the command dies of the signal, and
 * TMPDIR is as empty as before. Why it matters: a user who presses Ctrl-C wants the prompt back, and the machine as it was.
 * How it would fail: a stage that does not get the signal (the stand-ins never end on their own, so the test would
 * never end either), a compiler proper that outlives gcc, a folder that is removed at a command's end only.
 *
 * How long it takes is not measured here: a busy machine would answer. On a machine at rest it is below 200 ms.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventually } from "../../fixtures/stand-ins.js";
import { bundleCommand, type Command } from "./command.js";

let command: Command;
beforeAll(async () => {
  command = await bundleCommand();
  await writeFile(path.join(command.folder, "guest.ts"), 'console.log("hello");\n');
});
afterAll(() => command.dispose());

/** Those of the stand-ins: a test that fails leaves none of them. */
const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0).filter(runs)) process.kill(pid, "SIGKILL");
});

/** Notes its process. apt's helpers end when they lose it. */
const HANGING_APT = `#!/bin/sh
echo "$$" >"$STARTED.new" && mv "$STARTED.new" "$STARTED"
exec sleep 1000
`;
/** Notes its process, and that of the compiler proper, which would run on. */
const HANGING_GCC = `#!/bin/sh
case "$*" in -v|--version|-print-*) echo "gcc version 99.1" >&2; exit;; esac
sleep 1000 &
echo "$$ $!" >"$STARTED.new" && mv "$STARTED.new" "$STARTED"
wait
`;
const HANGING_TRANSFORM = `import { writeFileSync } from "node:fs";
export default class { afterParse() {
  writeFileSync(process.env.STARTED, String(process.pid));
  for (;;);
} }
`;

interface Stage {
  /** What stands in PATH for the real one: its name and text. */
  tool?: [string, string];
  args: (command: Command) => string[];
}
const STAGES: Record<string, Stage> = {
  download: {
    tool: ["apt-get", HANGING_APT],
    args: ({ image }) => ["run", image, "--xen", "4.17"],
  },
  asc: { args: () => ["build", "--transform", "./hangs.mjs", "guest.ts"] },
  gcc: { tool: ["gcc", HANGING_GCC], args: () => ["build", "guest.ts"] },
};

/** One that has ended, and that its new parent has not waited for yet, runs no more. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** As PATH, with a stand-in before it. */
async function hangingTool([name, text]: [string, string], folder: string): Promise<string> {
  const file = path.join(folder, "bin", name);
  await mkdir(path.dirname(file));
  await writeFile(file, text);
  await chmod(file, 0o755);
  return `${path.dirname(file)}:${process.env["PATH"] ?? ""}`;
}

test.each(
  Object.entries(STAGES).flatMap(([name, stage]) => [
    { name, stage, signal: "SIGINT" } as const,
    { name, stage, signal: "SIGTERM" } as const,
  ]),
)("$name, $signal", { timeout: 300_000 }, async ({ name, stage, signal }) => {
  const { tool, args } = stage;
  const folder = await mkdtemp(path.join(command.folder, `${name}-`));
  const temporary = path.join(folder, "tmp");
  const note = path.join(folder, "started");
  await mkdir(temporary);
  await writeFile(path.join(command.folder, "hangs.mjs"), HANGING_TRANSFORM);
  const child = spawn(process.execPath, [command.entry, ...args(command)], {
    cwd: command.folder,
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...command.env,
      XENLET_CACHE: path.join(folder, "cache"),
      TMPDIR: temporary,
      STARTED: note,
      ...(tool === undefined ? {} : { PATH: await hangingTool(tool, folder) }),
    },
  });
  started.push(child.pid ?? 0);
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  const closed = once(child, "close");

  let pids: number[] = [];
  const begun = async (): Promise<boolean> => {
    const text = await readFile(note, "utf8").catch(() => "");
    pids = text.split(/\s+/).filter(Boolean).map(Number);
    return pids.length > 0 || child.exitCode !== null;
  };
  expect(await eventually(begun, 240_000), stderr).toBe(true);
  started.push(...pids);
  // The control: it is under way.
  expect({ pids: pids.map(runs), exitCode: child.exitCode, stderr }).toMatchObject({
    pids: pids.map(() => true),
    exitCode: null,
  });

  child.kill(signal);
  expect(await closed).toEqual([null, signal]);
  expect(await eventually(() => !pids.some(runs))).toBe(true);
  expect(stderr).toMatch(new RegExp(`^xenlet: interrupted by ${signal}$`, "m"));
  expect(await readdir(temporary)).toEqual([]);
});

test("on a terminal, with a spinner", async () => {
  const folder = await mkdtemp(path.join(command.folder, "terminal-"));
  const temporary = path.join(folder, "tmp");
  const note = path.join(folder, "started");
  await mkdir(temporary);
  await writeFile(path.join(command.folder, "hangs.mjs"), HANGING_TRANSFORM);
  const { asc } = STAGES;
  const words = [process.execPath, command.entry, ...(asc?.args(command) ?? [])].join(" ");
  const line = `stty cols 80; exec ${words}`; // without a width there is no spinner
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    cwd: command.folder,
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      ...command.env,
      XENLET_CACHE: path.join(folder, "cache"),
      TERM: "xterm",
      TMPDIR: temporary,
      STARTED: note,
    },
  });
  started.push(child.pid ?? 0);
  let shown = "";
  child.stdout.on("data", (bytes: Buffer) => (shown += bytes.toString()));
  const closed = once(child, "close");
  expect(await eventually(() => existsSync(note) || child.exitCode !== null, 240_000)).toBe(true);
  expect(shown).toMatch(/[\u280b\u2819] ?.*building guest\.ts/); // the control: it spins

  child.stdin.write("\u0003"); // Ctrl-C, as a terminal has it
  expect(await closed).toEqual([130, null]);
  expect(shown).toContain("xenlet: interrupted by SIGINT");
  expect(await readdir(temporary)).toEqual([]);
}, 300_000);
