/**
 * The `xenlet` command through its real entry. What it shows: exit codes, what
 * goes to stdout and what to stderr, --json, --help, on a pipe, on a terminal
 * and with closed streams. Why it matters: scripts live on these. How it would
 * fail: success as a default, progress on stdout, escape codes in a log.
 */
import { access, mkdir, mkdtemp, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleCommand, type Command } from "./command.js";

let xenlet: Command;
beforeAll(async () => {
  xenlet = await bundleCommand();
});
afterAll(() => xenlet.dispose());

const run = (play: string, ...options: string[]) =>
  xenlet.run(["run", xenlet.image, ...xenlet.xen, "--cmdline", `play=${play}`, ...options]);

const COMMANDS = [
  ["init"],
  ["build"],
  ["run"],
  ["conform"],
  ["report", "merge"],
  ["inspect"],
  ["doctor"],
  ["cache", "list"],
  ["cache", "verify"],
  ["cache", "prune"],
  ["demo"],
];

describe("help", () => {
  test.each(COMMANDS)("%s %s", async (...words) => {
    const { exitCode, stdout, stderr } = await xenlet.run([...words.filter(Boolean), "--help"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^Usage: xenlet ${words.filter(Boolean).join(" ")}`));
    expect(stdout).toContain("--help");
    expect(stdout).toContain("--json");
    expect(stdout).toContain("Exit codes:");
  });

  test("names every command", async () => {
    const { exitCode, stdout } = await xenlet.run(["--help"]);
    expect(exitCode).toBe(0);
    for (const [name = ""] of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  test("the version is package.json's", async () => {
    const { version } = JSON.parse(
      await readFile(new URL("../../../package.json", import.meta.url), "utf8"),
    ) as { version: string };
    expect(await xenlet.run(["--version"])).toMatchObject({ exitCode: 0, stdout: version });
  });
});

describe("bad usage exits with 123, on stderr alone:", () => {
  test.each<[string, string[], RegExp]>([
    ["no command", [], /Usage:/],
    ["an unknown command", ["rnu"], /unknown command.*\n.*Did you mean run/],
    ["an unknown option", ["run", "x.elf", "--bogus"], /unknown option '--bogus'/],
    ["no file", ["run"], /missing required argument/],
    ["two files", ["run", "a.elf", "b.elf"], /too many arguments/],
    ["a file that is not there", ["run", "nope.elf"], /no such file/],
    ["a folder", ["run", "."], /not a file/],
    ["a memory that is none", ["run", "x.elf", "--mem", "much"], /Expected MiB/],
    ["too little memory", ["run", "x.elf", "--mem", "4"], /Expected MiB/],
    ["a negative timeout", ["run", "x.elf", "--timeout", "-1"], /Expected seconds/],
    ["no vCPU", ["run", "x.elf", "--vcpus", "0"], /Expected a whole number/],
    ["an invalid port", ["run", "x.elf", "--gdb", "99999"], /Expected a whole number/],
    [
      "a hypercall that is none",
      ["run", "x.elf", "--hypercall", "int80"],
      /Allowed choices are direct, page/,
    ],
    [
      "arguments behind -- where nobody takes them",
      ["doctor", "--", "-m", "1"],
      /accepts no arguments after/,
    ],
    ["a shard that is none", ["conform", "--shard", "4/3"], /Expected I\/N/],
    [
      "a way to run that is none",
      ["conform", "--on", "moon"],
      /Expected one or more of domu, xl, xl-hvm/,
    ],
    ["a reporter that is none", ["conform", "--reporter", "loud"], /expected one of .*html/],
    ["a report that is not there", ["report", "merge", "nope.json"], /cannot read nope\.json/],
    ["a report that is none", ["report", "merge", "/etc/passwd"], /\/etc\/passwd is not a report/],
    ["no reports", ["report", "merge"], /missing required argument/],
    ["an unknown cache command", ["cache", "burn"], /unknown command/],
    [
      "a stage that is none",
      ["build", "x.ts", "--emit", "wasm,obj"],
      /Expected one or more of wasm, c, asm, map/,
    ],
    ["an address 0 that is none", ["build", "x.ts", "--null-page", "maybe"], /trap, allow/],
    ["a source that is none", ["build", "/etc/passwd"], /expected an AssemblyScript file/],
    [
      "a page of a story that has none",
      ["demo", "scheduler", "--html", "x.html"],
      /--html is for the kexec story/,
    ],
    ["a file to inspect that is no ELF file", ["inspect", "/etc/passwd"], /not an ELF file/],
  ])("%s", async (_name, args, message) => {
    const { exitCode, stdout, stderr } = await xenlet.run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 123, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each<[string, string[], RegExp]>([
    [
      "a Xen that is no release",
      ["--xen", "9.9"],
      /unknown Xen version 9.9: expected 4\.14, 4\.17/,
    ],
    ["a Xen that is not there", ["--xen", "./no-xen"], /not found/],
    ["a Xen that is none", ["--xen", "/etc/passwd"], /not a Xen/],
    ["build options for an image", ["--hypercall", "direct"], /is built already/],
    ["a log where no folder is", ["--log", "/nowhere/x.log"], /cannot write the log/],
    ["a module that is not there", ["--module", "nope"], /cannot read nope/],
    ["a soft reset of dom0", ["--on-soft-reset", "resume"], /does not soft-reset its dom0/],
    ["a command line beyond ASCII", ["--cmdline", "é"], /printable ASCII/],
  ])("%s", async (_name, options, message) => {
    const { exitCode, stdout, stderr } = await xenlet.run([
      "run",
      xenlet.image,
      ...xenlet.xen,
      ...options,
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 123, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("with --json there is a document that says so", async () => {
    const { exitCode, stdout } = await xenlet.run(["run", "nope.elf", "--json"]);
    expect(exitCode).toBe(123);
    expect(JSON.parse(stdout)).toMatchObject({
      exitCode: 123,
      error: expect.stringContaining("no such file") as string,
    });
  });
});

describe("a Wasm module that no guest can be made of exits with 124, names why, and leaves no image:", () => {
  test.each<[string, number[], RegExp]>([
    ["an import", [2, 9, 1, 2, 0x6a, 0x73, 1, 0x78, 3, 0x7f, 0], /"js" "x" \(global\)/],
    ["nothing to run", [], /exports no _start/],
  ])("%s", async (name, sections, message) => {
    const file = path.join(xenlet.folder, `${name}.wasm`);
    await writeFile(file, Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections]));
    const output = `${file}.elf`;
    const { exitCode, stdout, stderr } = await xenlet.run(["build", file, "-o", output]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 124, stdout: "" });
    expect(stderr).toMatch(message);
    await expect(access(output)).rejects.toThrow("ENOENT");
  });
});

describe("run", () => {
  test.each([
    ["ok", 0],
    ["ok code=7", 7],
    ["ok code=121", 125],
    ["no-verdict", 120],
    ["trap", 120],
    ["odd-panic", 120],
    ["refuse", 122],
  ])("play=%s exits with %i", async (play, exitCode) => {
    expect((await run(play)).exitCode).toBe(exitCode);
  });

  test("a deadline exits with 121 and names stage and log; the tail with --verbose", async () => {
    const { exitCode, stdout, stderr } = await run("hang", "--timeout", "0.3");
    expect({ exitCode, stdout }).toEqual({ exitCode: 121, stdout: "" });
    expect(stderr).toContain("reported no result within 300 ms");
    expect(stderr).toContain("last stage reached: runtime");
    expect(stderr).toMatch(/log: .*\.log/);
    // Records are the protocol's: only --verbose has them.
    expect(stderr).not.toContain("boot:stage=runtime");
    const verbose = await run("hang", "--timeout", "0.3", "--verbose");
    expect(verbose.stderr).toContain("boot:stage=runtime");
  });

  test("stdout has the guest's lines, stderr its errors and the verdict with Xen's exact version", async () => {
    const { stdout, stderr } = await run("ok");
    expect(stdout).toBe("hello\nwritten by hand");
    expect(stderr).toContain("a complaint");
    expect(stderr).toContain("4.17.7+0-stand-in");
    expect(stderr).not.toContain("(XEN)");
  });

  test("--verbose has Xen's lines on stderr; --quiet has nothing but the guest's", async () => {
    expect((await run("ok", "--verbose")).stderr).toContain("(XEN) Freed");
    expect(await run("ok", "--quiet")).toMatchObject({
      stdout: "hello\nwritten by hand",
      stderr: "a complaint",
    });
    expect((await run("trap", "--quiet")).stderr).toContain("the guest trapped");
  });

  test("--json: one document on stdout, and nothing else", async () => {
    const { exitCode, stdout, stderr } = await run("ok code=121", "--json");
    expect(exitCode).toBe(125);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: "exit",
      exitCode: 125,
      guestCode: 121,
      stage: "verdict",
      ended: { how: "poweroff", reason: 0 },
      xen: { banner: "4.17.7+0-stand-in" },
      qemu: { origin: "host" },
      records: expect.arrayContaining([
        { kind: "step", payload: "one step", seq: 4, signed: true },
      ]) as unknown[],
    });
    expect(stderr).toContain("hello");
  });

  test("--dry-run prints the command, which does what run does, and starts nothing", async () => {
    const pids = await mkdtemp(path.join(xenlet.folder, "pids-"));
    const args = [
      "run",
      xenlet.image,
      ...xenlet.xen,
      "--cmdline",
      "play=refuse",
      "--mem",
      "1G",
      "--dry-run",
      "--qemu-arg",
      "-m",
      "--qemu-arg",
      "9",
    ];
    const { exitCode, stdout } = await xenlet.run(args, { env: { FAKE_QEMU_PIDS: pids } });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("dom0_mem=1024M");
    expect(stdout).toMatch(/ -m 9$/);
    expect(await readdir(pids)).toEqual([]);
    const again = await execa("sh", ["-c", stdout], { reject: false });
    expect(again).toMatchObject({ exitCode: 1, stderr: "qemu: could not load kernel 'xen'" });
  });

  test("the log goes where --log says", async () => {
    const log = path.join(xenlet.folder, "my.log");
    await run("ok", "--log", log);
    expect(await readFile(log, "utf8")).toContain("(XEN) Hardware Dom0 halted");
  });

  test("bytes that would steer a terminal are shown, not sent", async () => {
    const { stderr } = await run("no-verdict");
    expect(stderr).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
  });
});

describe("wherever it runs", () => {
  const command = (...options: string[]): string =>
    [
      process.execPath,
      xenlet.entry,
      "run",
      xenlet.image,
      ...xenlet.xen,
      "--cmdline",
      "'play=ok code=3'",
      ...options,
    ].join(" ");

  /** On a terminal, by util-linux's script(1); it ends as the command does. */
  const terminal = (line: string, env: Record<string, string> = {}) =>
    execa("script", ["-qec", line, "/dev/null"], {
      reject: false,
      extendEnv: false,
      stdin: "ignore",
      env: { ...xenlet.env, TERM: "xterm", ...env },
    });

  test("a terminal: the same lines and code", async () => {
    const { exitCode, stdout } = await terminal(command());
    expect(exitCode).toBe(3);
    expect(stdout).toContain("hello");
  });

  test("an error is red on a terminal, but not with NO_COLOR, and not in a pipe", async () => {
    const line = `${process.execPath} ${xenlet.entry} run nope.elf`;
    expect((await terminal(line)).stdout).toContain("\u001b[31m");
    expect((await terminal(line, { NO_COLOR: "1" })).stdout).not.toContain("\u001b[");
    expect((await xenlet.run(["run", "nope.elf"])).stderr).not.toContain("\u001b[");
  });

  test.each(["<&-", "</dev/null"])("stdin %s", async (redirection) => {
    const { exitCode, stdout } = await execa("sh", ["-c", `${command()} ${redirection}`], {
      reject: false,
      extendEnv: false,
      env: xenlet.env,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "hello\nwritten by hand" });
  });

  test("stderr closed: the verdict is the exit code", async () => {
    const { exitCode } = await execa("sh", ["-c", `${command()} 2>&-`], {
      reject: false,
      extendEnv: false,
      env: xenlet.env,
    });
    expect(exitCode).toBe(3);
  });

  test("a reader that leaves ends the run, and is no success", async () => {
    const line = `${command().replace("play=ok code=3", "play=flood")} | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout } = await execa("bash", ["-c", line], { extendEnv: false, env: xenlet.env });
    expect(stdout.split("\n")).toEqual([expect.stringContaining("line 0"), "141"]);
  });

  test("a full stdout is told, and is no success", async () => {
    const { exitCode, stderr } = await execa(
      "sh",
      ["-c", `${command().replace("code=3", "code=0")} >/dev/full`],
      { reject: false, extendEnv: false, env: xenlet.env },
    );
    expect(exitCode).toBe(122);
    expect(stderr).toContain("cannot write to stdout");
  });
});

describe("init", () => {
  test("makes a folder to start from, and never overwrites a file", async () => {
    const folder = path.join(xenlet.folder, "My Guest");
    const first = await xenlet.run(["init", folder, "--json"]);
    expect(first.exitCode).toBe(0);
    const { files } = JSON.parse(first.stdout) as { files: string[] };
    expect(files).toEqual(
      expect.arrayContaining([
        "main.ts",
        "package.json",
        "tsconfig.json",
        "asconfig.json",
        "README.md",
        "test/main.ts",
      ]),
    );
    for (const file of files) await access(path.join(folder, file));
    const manifest = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as {
      name: string;
    };
    expect(manifest.name).toBe("my-guest");
    expect(
      (await readFile(path.join(folder, "README.md"), "utf8")).match(/^ {4}np/gm),
    ).toHaveLength(4);

    await writeFile(path.join(folder, "main.ts"), "mine");
    const second = await xenlet.run(["init", folder]);
    expect(second.exitCode).toBe(123);
    expect(second.stderr).toContain("main.ts");
    expect(await readFile(path.join(folder, "main.ts"), "utf8")).toBe("mine");
  });

  test("writes nothing at all into a folder that has one of the files", async () => {
    const folder = path.join(xenlet.folder, "half");
    await mkdir(folder);
    await writeFile(path.join(folder, "README.md"), "mine");
    expect((await xenlet.run(["init", folder])).exitCode).toBe(123);
    expect(await readdir(folder)).toEqual(["README.md"]);
  });

  test("a folder that cannot be made is told", async () => {
    expect(await xenlet.run(["init", "/dev/null/x"])).toMatchObject({
      exitCode: 122,
      stderr: expect.stringContaining("cannot write") as string,
    });
  });
});

describe("the other commands' --json", () => {
  test("inspect", async () => {
    const { exitCode, stdout } = await xenlet.run(["inspect", xenlet.image, "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ class: 64, problem: null });
  });

  test("doctor", async () => {
    const { exitCode, stdout } = await xenlet.run(["doctor", "--json"]);
    const report = JSON.parse(stdout) as {
      ok: boolean;
      platform: string;
      checks: { name: string }[];
    };
    expect(exitCode).toBe(report.ok ? 0 : 122);
    expect(report.platform).toContain("SVM");
    expect(report.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["node", "gcc", "qemu"]),
    );
  });

  test("cache list, verify, prune", async () => {
    await run("ok");
    const json = async <T>(...args: string[]): Promise<T> =>
      JSON.parse((await xenlet.run(["cache", ...args, "--json"])).stdout) as T;
    const kinds = async (): Promise<string[]> =>
      (await json<{ entries: { kind: string }[] }>("list")).entries.map(({ kind }) => kind);
    expect(await kinds()).toContain("logs");
    expect(await xenlet.run(["cache", "verify", "--json"])).toMatchObject({ exitCode: 0 });
    expect((await json<{ removed: { kind: string }[] }>("prune")).removed).toContainEqual(
      expect.objectContaining({ kind: "logs" }),
    );
    expect(await kinds()).not.toContain("logs");
    await xenlet.run(["cache", "prune", "--all"]);
    expect(await readdir(path.join(xenlet.folder, "cache"))).toEqual([]);
  });
});
