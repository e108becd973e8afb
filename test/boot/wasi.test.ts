// A C program compiled by Debian's clang and wasi-libc, unchanged, is a Xen guest.
// Why: WASI is what other languages' compilers know; without it a guest can be written in AssemblyScript only. The
// compiler and the library are somebody else's, so what they expect of a system is not what we think they do.
// Fails if a function is missing, answers something else than its specification says, or loses a byte of output.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

import type { BootOptions } from "../../src/host/boot/boot.js";
import { assemble } from "../fuzz/assemble.js";
import { boot, build, expectSuccess, printed, scratch } from "./setup.js";
import { compileForWasi } from "./wasi-compiler.js";

describe("a C program", () => {
  let image: string;
  beforeAll(async () => {
    image = await build(await compileForWasi("test/boot/guest/wasi.c", scratch("wasi.wasm")));
  }, 600_000);

  test.each(["domu", "dom0"] as const)("finds what it expects, as %s", async (on) => {
    const result = await boot(image, {
      on,
      name: "wasi.c",
      arguments: ["one", "on=2"],
      environment: ["GREETING=hi", "ASK=yes"],
      input: "xen\n",
    });
    const date = Number(/^date (\d+)$/m.exec(printed(result).join("\n"))?.[1]);
    expect(Math.abs(date - Date.now() / 1000)).toBeLessThan(60);
    expect(printed(result).filter((line) => !line.startsWith("date "))).toEqual([
      "argument 0: wasi.c",
      "argument 1: one",
      "argument 2: on=2",
      "GREETING=hi",
      "slept long enough",
      "yield 0",
      "random yes",
      "malloc 1",
      "open: Capabilities insufficient",
      "lseek: -1 1",
      "write to 9: -1 1",
      "grüße, and a byte that is no text: \uFFFD",
      "name? poll 1",
      "hello xen",
      "no line's end",
    ]);
    expect(printed(result, "stderr")).toEqual(["to stderr"]);
    expect(result).toMatchObject({ verdict: "exit", guestCode: 7, damage: [] });
  });

  test("hello, as it is on every system, is run by one command", async () => {
    const hello = await compileForWasi("examples/wasi/hello.c", scratch("hello.wasm"));
    const command = ["dist/cli.js", "run", hello, "--on", "dom0", "--quiet"];
    const { stdout } = await promisify(execFile)("node", [...command, "--", "and", "Xen"]);
    expect(stdout).toBe("Hello from C, compiled for WASI and Xen\n");
  });
});

describe("C's stdio", () => {
  let image: string;
  beforeAll(async () => {
    image = await build(
      await compileForWasi("test/boot/guest/wasi-stdio.c", scratch("wasi-stdio.wasm")),
    );
  }, 600_000);

  const run = async (mode: string, options: Partial<BootOptions> = {}) => {
    const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const result = await boot(image, {
      arguments: [mode],
      onOutput: (bytes, stream) => parts[stream].push(Buffer.from(bytes)),
      ...options,
    });
    const text = (of: Buffer[]): string => Buffer.concat(of).toString("latin1");
    return { result, stdout: text(parts.stdout), stderr: text(parts.stderr) };
  };

  test.each(["domu", "dom0"] as const)(
    "lines come out as they went in: none split, none added, as %s",
    async (on) => {
      const { result, stdout, stderr } = await run("lines", { on });
      const digits = Array.from({ length: 20_000 }, (_, i) => i % 10).join("");
      expect(stdout.split("\n")).toEqual([
        `${"a".repeat(1023)}\xe2\x82\xacbcd`,
        "x".repeat(1024),
        `{"data":"${digits}"}`,
        "progress 10%\rprogress 100%",
        "prompt> answer",
        "nul\0in\0line",
        "latin1 caf\xe9",
        "0.10000000000000001 0x1.5555555555555p-2",
        "last line without newline",
      ]);
      expect(stderr).toBe("to stderr\n");
      expect(result).toMatchObject({ verdict: "exit", guestCode: 3, damage: [] });
    },
  );

  test.each([
    ["abort", "unreachable"],
    ["divide", "divide-by-zero"],
    ["bounds", "out-of-bounds"],
  ])("what was flushed before a trap is there: %s", async (mode, kind) => {
    const { result, stdout, stderr } = await run(mode, { on: "domu" });
    expect({ stdout, stderr }).toEqual({ stdout: "checking... ", stderr: "partial" });
    expect(result).toMatchObject({ verdict: "crash", trap: { kind } });
  });

  test("nor does _Exit() lose it", async () => {
    const { result, stdout, stderr } = await run("leave", { on: "domu" });
    expect({ stdout, stderr }).toEqual({ stdout: "checking... ", stderr: "partial" });
    expect(result).toMatchObject({ verdict: "exit", guestCode: 4 });
  });

  const sum = (bytes: Buffer): number =>
    bytes.reduce((all, byte) => Math.imul(all ^ byte, 0x01000193), 0) >>> 0;

  test.each(["domu", "dom0"] as const)(
    "standard input has all bytes and its end, as %s",
    async (on) => {
      // For a dom0 no answer has more than 72 bytes: Xen keeps 128.
      const bytes = Buffer.from(
        Array.from({ length: on === "domu" ? 20_000 : 1000 }, (_, i) => (i * 7) % 256),
      );
      const { stdout } = await run("count", { on, input: bytes });
      expect(stdout).toBe(`${String(bytes.length)} bytes, sum ${String(sum(bytes))}\n`);
    },
  );

  test("standard input that comes slowly, and one that is empty", async () => {
    const slow = async function* () {
      for (const part of ["hello\n", "", "world", "\n"]) {
        await setTimeout(300);
        yield part;
      }
    };
    const some = await run("count", { on: "domu", input: slow() });
    expect(some.stdout).toBe(`12 bytes, sum ${String(sum(Buffer.from("hello\nworld\n")))}\n`);
    const none = await run("count", { on: "domu" });
    expect(none.stdout).toBe("0 bytes, sum 0\n");
    expectSuccess(none.result);
  });

  test.each(["process-clock", "thread-clock"])("the CPU's time goes on: %s", async (mode) => {
    const { result, stdout } = await run(mode, { on: "domu" });
    expectSuccess(result);
    expect(stdout).toBe("ran 10 ms\n");
  });
});

describe("a module of no language in particular", () => {
  async function module(name: string, text: string): Promise<string> {
    const file = scratch(`${name}.wasm`);
    await writeFile(file, await assemble(text));
    return file;
  }

  test("has address 0, several tables, computed data, a start function, and room to grow", async () => {
    const image = await build(
      await module(
        "features",
        `(module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1 20) (data (i32.const 0) "zero")
          (data (i32.add (i32.const 65530) (i32.const 2)) "last")
          (table $a 2 funcref) (table $b 1 8 funcref) (elem (table $b) (i32.const 0) $forty)
          (global $started (mut i32) (i32.const 0))
          (func $forty (result i32 i32) (i32.const 40) (i32.const 1))
          (func $start (global.set $started (i32.const 1)))
          (start $start)
          (func $check (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
          (func (export "_start")
            (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 0x6f72657a)))
            (call $check (i32.eq (i32.load (i32.const 65532)) (i32.const 0x7473616c)))
            (call $check (i32.eq (memory.grow (i32.const 3)) (i32.const 1)))
            (i32.store (i32.const 262140) (i32.const 7))
            (call $check (i32.eq (table.grow $b (ref.null func) (i32.const 5)) (i32.const 1)))
            (call $check (i32.eq (table.grow $b (ref.null func) (i32.const 3)) (i32.const -1)))
            (table.copy $a $b (i32.const 1) (i32.const 0) (i32.const 1))
            (call $exit (i32.add (i32.add (call_indirect $a (result i32 i32) (i32.const 1))) (global.get $started)))))`,
      ),
    );
    expect(await boot(image)).toMatchObject({ verdict: "exit", guestCode: 42, trap: null });
  });

  test("preview 0, wasi_unstable, has what preview 1 has where the structures are the same", async () => {
    const file = await module(
      "unstable",
      `(module
        (import "wasi_unstable" "args_sizes_get" (func $args (param i32 i32) (result i32)))
        (import "wasi_unstable" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (import "wasi_unstable" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_unstable" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func $check (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
        (func (export "_start")
          (call $check (i32.eqz (call $args (i32.const 0) (i32.const 4))))
          (call $check (i32.eq (i32.load (i32.const 0)) (i32.const 3)))
          (call $check (i32.eqz (call $clock (i32.const 2) (i64.const 1) (i32.const 8))))
          (call $check (i64.ne (i64.load (i32.const 8)) (i64.const 0)))
          (call $check (i32.eqz (call $random (i32.const 16) (i32.const 16))))
          (call $check (i64.ne (i64.load (i32.const 16)) (i64.load (i32.const 24))))
          (i32.store (i32.const 32) (i32.const 1024))
          (i32.store (i32.const 36) (i32.const 64))
          (call $check (i32.eqz (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 36))))
          (call $check (i32.eqz (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40))))
          (call $exit (i32.load (i32.const 40)))))`,
    );
    const result = await boot(await build(file), { arguments: ["a", "b"], input: "echoed" });
    expect(printed(result)).toEqual(["echoed"]);
    expect(result).toMatchObject({ verdict: "exit", guestCode: 6 });
  });

  test("a call whose structure was another one in preview 0 is refused when the image is built", async () => {
    const file = await module(
      "unstable-poll",
      `(module (import "wasi_unstable" "poll_oneoff" (func (param i32 i32 i32 i32) (result i32)))
        (memory 1) (func (export "_start")))`,
    );
    await expect(build(file)).rejects.toThrow(/unsupported imports: "wasi_unstable" "poll_oneoff"/);
  });

  test.each([
    ["the shared window's place", "0xffe00000"],
    ["the last byte of 4 GiB", "0xffffffff"],
  ])("finds nothing at %s, where a guest of xenlet's has frames of Xen's", async (_, address) => {
    const image = await build(
      await module(
        `window-${address}`,
        `(module (memory 1) (func (export "_start") (drop (i32.load8_u (i32.const ${address})))))`,
      ),
    );
    expect(await boot(image)).toMatchObject({ verdict: "crash", trap: { kind: "out-of-bounds" } });
  });

  test.each([
    ["--null-page allow, which is the default, does not trap", "allow", "exit"],
    ["--null-page trap does", "trap", "crash"],
  ] as const)("address 0: %s", async (_, nullPage, verdict) => {
    const file = await module(
      `null-${nullPage}`,
      `(module (memory 1) (func (export "_start") (drop (i32.load (i32.const 0)))))`,
    );
    const result = await boot(await build(file, { nullPage }));
    expect(result.verdict).toBe(verdict);
    if (nullPage === "trap") expect(result.trap?.kind).toBe("null-dereference");
  });

  test.each([
    [
      "indirect-call-null",
      `(table 1 funcref) (func (export "_start") (call_indirect (i32.const 0)))`,
    ],
    [
      "invalid-conversion",
      `(global $nan (mut f64) (f64.const nan))
       (func (export "_start") (drop (i32.trunc_f64_s (global.get $nan))))`,
    ],
  ])("what AssemblyScript does not come to is told by name as well: %s", async (kind, text) => {
    const image = await build(await module(kind, `(module ${text})`));
    expect(await boot(image)).toMatchObject({ verdict: "crash", trap: { kind } });
  });

  test("a load that nobody uses is left out by --dead-loads drop, and by nothing else", async () => {
    const file = await module(
      "dead-load",
      `(module (memory 1) (func (export "_start") (drop (i32.load (i32.const 65536)))))`,
    );
    expect(await boot(await build(file, { deadLoads: "drop" }))).toMatchObject({ verdict: "exit" });
    expect(await boot(await build(file))).toMatchObject({ trap: { kind: "out-of-bounds" } });
  });
});

describe("what a guest has no files for", () => {
  /** Errnos by the specification's names, and its numbers. */
  const ERRNO = {
    SUCCESS: 0,
    BADF: 8,
    FAULT: 21,
    INVAL: 28,
    NOSYS: 52,
    NOTDIR: 54,
    NOTSOCK: 57,
    NOTSUP: 58,
    SPIPE: 70,
    NOTCAPABLE: 76,
  };
  type Errno = keyof typeof ERRNO;
  /** Type, arguments, and the answer; `fd` stands for descriptor 1, which is open, and in a second call for 9, which is not. */
  const calls: [name: string, types: string, values: (string | number)[], answer: Errno][] = [
    ["fd_advise", "i32 i64 i64 i32", ["fd", 0, 0, 0], "SPIPE"],
    ["fd_allocate", "i32 i64 i64", ["fd", 0, 1], "SPIPE"],
    ["fd_datasync", "i32", ["fd"], "INVAL"],
    ["fd_sync", "i32", ["fd"], "INVAL"],
    ["fd_fdstat_set_flags", "i32 i32", ["fd", 4], "NOTSUP"],
    ["fd_fdstat_set_rights", "i32 i64 i64", ["fd", 1, 1], "NOTCAPABLE"],
    ["fd_filestat_set_size", "i32 i64", ["fd", 1], "INVAL"],
    ["fd_filestat_set_times", "i32 i64 i64 i32", ["fd", 0, 0, 0], "NOTSUP"],
    ["fd_pread", "i32 i32 i32 i64 i32", ["fd", 0, 0, 0, 64], "SPIPE"],
    ["fd_pwrite", "i32 i32 i32 i64 i32", ["fd", 0, 0, 0, 64], "SPIPE"],
    ["fd_seek", "i32 i64 i32 i32", ["fd", 0, 0, 64], "SPIPE"],
    ["fd_tell", "i32 i32", ["fd", 64], "SPIPE"],
    ["fd_readdir", "i32 i32 i32 i64 i32", ["fd", 0, 0, 0, 64], "NOTDIR"],
    ["fd_renumber", "i32 i32", ["fd", 1], "NOTSUP"],
    ["fd_prestat_get", "i32 i32", ["fd", 64], "BADF"],
    ["fd_prestat_dir_name", "i32 i32 i32", ["fd", 64, 1], "BADF"],
    ["path_create_directory", "i32 i32 i32", ["fd", 0, 1], "NOTDIR"],
    ["path_filestat_get", "i32 i32 i32 i32 i32", ["fd", 0, 0, 1, 64], "NOTDIR"],
    ["path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32", ["fd", 0, 0, 1, 0, 0, 0], "NOTDIR"],
    ["path_link", "i32 i32 i32 i32 i32 i32 i32", ["fd", 0, 0, 1, 1, 0, 1], "NOTDIR"],
    ["path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32", ["fd", 0, 0, 1, 0, 0, 0, 0, 64], "NOTDIR"],
    ["path_readlink", "i32 i32 i32 i32 i32 i32", ["fd", 0, 1, 0, 1, 64], "NOTDIR"],
    ["path_remove_directory", "i32 i32 i32", ["fd", 0, 1], "NOTDIR"],
    ["path_rename", "i32 i32 i32 i32 i32 i32", ["fd", 0, 1, 1, 0, 1], "NOTDIR"],
    ["path_symlink", "i32 i32 i32 i32 i32", [0, 1, "fd", 0, 1], "NOTDIR"],
    ["path_unlink_file", "i32 i32 i32", ["fd", 0, 1], "NOTDIR"],
    ["sock_accept", "i32 i32 i32", ["fd", 0, 64], "NOTSOCK"],
    ["sock_recv", "i32 i32 i32 i32 i32 i32", ["fd", 0, 0, 0, 64, 64], "NOTSOCK"],
    ["sock_send", "i32 i32 i32 i32 i32", ["fd", 0, 0, 0, 64], "NOTSOCK"],
    ["sock_shutdown", "i32 i32", ["fd", 1], "NOTSOCK"],
    ["fd_fdstat_get", "i32 i32", ["fd", 64], "SUCCESS"],
    ["fd_filestat_get", "i32 i32", ["fd", 128], "SUCCESS"],
    ["fd_write", "i32 i32 i32 i32", ["fd", 0, 0, 64], "SUCCESS"],
    // With a clock that is not there, with nothing to wait for, and with a pointer to where there is no memory.
    ["proc_raise", "i32", [6], "NOSYS"],
    ["clock_res_get", "i32 i32", [4, 64], "INVAL"],
    ["clock_time_get", "i32 i64 i32", [4, 0, 64], "INVAL"],
    ["poll_oneoff", "i32 i32 i32 i32", [0, 128, 0, 64], "INVAL"],
    ["clock_res_get", "i32 i32", [1, 0x7ffffff0], "FAULT"],
    ["clock_time_get", "i32 i64 i32", [1, 0, 65529], "FAULT"],
    ["poll_oneoff", "i32 i32 i32 i32", [65500, 128, 1, 64], "FAULT"],
    ["random_get", "i32 i32", [65535, 2], "FAULT"],
    ["args_get", "i32 i32", [65533, 0], "FAULT"],
    ["environ_sizes_get", "i32 i32", [-4, 0], "FAULT"],
    ["fd_fdstat_get", "i32 i32", [1, 65530], "FAULT"],
    ["fd_write", "i32 i32 i32 i32", [1, 65532, 1, 64], "FAULT"],
    ["fd_read", "i32 i32 i32 i32", [0, 65532, 1, 64], "FAULT"],
    ["fd_read", "i32 i32 i32 i32", [1, 0, 0, 64], "BADF"],
  ];

  test("is answered with the errno that the specification has for it, and EBADF where nothing is open", async () => {
    const made = calls.flatMap(([name, types, values, answer]) => [
      { name, types, values: values.map((value) => (value === "fd" ? 1 : value)), answer },
      ...(values.includes("fd")
        ? [
            {
              name,
              types,
              values: values.map((value) => (value === "fd" ? 9 : value)),
              answer: "BADF" as Errno,
            },
          ]
        : []),
    ]);
    const imports = new Map(made.map(({ name, types }) => [name, types]));
    const at = 1024; // two digits and a space for each answer
    const text = `(module
      ${[...imports].map(([name, types]) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${types}) (result i32)))`).join("\n")}
      (memory (export "memory") 1)
      (global $at (mut i32) (i32.const ${at}))
      (func $tell (param $errno i32)
        (i32.store8 (global.get $at) (i32.add (i32.const 48) (i32.div_u (local.get $errno) (i32.const 10))))
        (i32.store8 offset=1 (global.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $errno) (i32.const 10))))
        (i32.store8 offset=2 (global.get $at) (i32.const 32))
        (global.set $at (i32.add (global.get $at) (i32.const 3))))
      (func (export "_start")
        ${made
          .map(({ name, types, values }) => {
            const kinds = types.split(" ");
            return `(call $tell (call $${name} ${values.map((value, index) => `(${kinds[index] ?? ""}.const ${value})`).join(" ")}))`;
          })
          .join("\n")}
        (i32.store (i32.const 512) (i32.const ${at}))
        (i32.store (i32.const 516) (i32.sub (global.get $at) (i32.const ${at})))
        (drop (call $fd_write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 64)))))`;
    const file = scratch("errno.wasm");
    await writeFile(file, await assemble(text));
    const result = await boot(await build(file));
    expectSuccess(result);
    const answers = printed(result).join("").trim().split(" ").map(Number);
    const line = ({ name, values }: (typeof made)[number], errno: number | undefined): string =>
      `${name}(${values.join(", ")}) = ${Object.entries(ERRNO).find(([, value]) => value === errno)?.[0] ?? String(errno)}`;
    expect(made.map((one, index) => line(one, answers[index]))).toEqual(
      made.map((one) => line(one, ERRNO[one.answer])),
    );
  });
});
