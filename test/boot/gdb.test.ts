// `xenlet run --gdb` and a real gdb: breakpoints, backtraces, steps and variables of a guest, as dom0 and in a domain.
// Why: everything that gdb is told goes through QEMU's stub, Xen, page tables that are not there yet, and line numbers
// that four compilers hand on; and a domain's memory is behind nested page tables, which the stub does not know. Fails if
// gdb cannot attach with the command that is printed, if the guest does not stop at a line, if the toolstack's code at the
// same address does, or if what gdb reads is not the guest's memory.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { gdb } from "./real-gdb.js";
import { build } from "./setup.js";

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });
  });
}

/** Runs the image under gdb, attached as the command that is printed does, with these commands; then it goes on to its end. */
async function session(
  image: string,
  options: string[],
  commands: string[],
): Promise<{ output: string; exitCode: number | null }> {
  const debug = await gdb();
  const port = String(await freePort());
  const run = spawn("node", ["dist/cli.js", "run", "--gdb", port, ...options, image], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const told = new Promise<string>((resolve, reject) => {
    for (const stream of [run.stdout, run.stderr])
      stream.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const attach = /waiting for gdb: gdb (.*)\n/.exec(said)?.[1];
        if (attach !== undefined) resolve(attach);
      });
    run.on("exit", () => {
      reject(new Error(said));
    });
  });
  const ended = new Promise<number | null>((resolve) => run.on("exit", resolve));
  try {
    const [file = "", ...printed] = (await told).split(" -ex ");
    const output = await debug([
      file,
      ...["set substitute-path guest test/boot/guest", ...printed, ...commands].flatMap((one) => [
        "-ex",
        one.replaceAll("'", ""),
      ]),
      ...["-ex", "delete", "-ex", "detach"],
    ]);
    return { output, exitCode: await ended };
  } finally {
    run.kill();
  }
}

/** Lines of a source by the comment that names them. */
async function linesOf(source: string): Promise<(name: string) => string> {
  const lines = (await readFile(`test/boot/guest/${source}`, "utf8")).split("\n");
  return (name) =>
    `${source}:${String(1 + lines.findIndex((text) => text.endsWith(`// line: ${name}`)))}`;
}

const places = (output: string): string[] =>
  [...output.matchAll(/^#\d+ .* at guest\/(\S+)$/gm)].map(([, place = ""]) => place);

test.each(["dom0", "domu"])(
  "stops at a line of TypeScript, with its callers, and steps by lines: %s",
  { timeout: 180_000 },
  async (on) => {
    const image = await build("test/boot/guest/backtrace.ts");
    const line = await linesOf("backtrace.ts");
    const { output, exitCode } = await session(
      image,
      ["--on", on, "--cmdline", "way=divide"],
      [
        "info registers rip",
        `break ${line("recursion")}`,
        ...["continue", "bt", "info symbol $pc", "continue", "bt", "delete", "step", "frame"],
      ],
    );
    expect(output).toMatch(/^rip +0xfff0 /m); // the machine's first instruction: nothing has run
    expect(output).toMatch(new RegExp(`^Breakpoint 1.*${line("recursion")}$`, "m"));
    expect(output).toMatch(/^wasm_fn_.* in section \.text/m);
    const [book, main] = [line("book"), line("main")];
    const own = places(output).filter((place) => place.startsWith("backtrace.ts"));
    const first = [line("recursion"), book, main];
    expect(own.slice(0, 7)).toEqual([...first, line("recursion"), ...first]);
    // Wherever a step ends, it is a line of the guest's or of its library.
    expect(
      output
        .trimEnd()
        .split("\n")
        .findLast((text) => text.startsWith("#0")),
    ).toMatch(/\.ts:\d+$/);
    expect(exitCode).toBe(120); // and then it goes on, to where it crashes
  },
);

test("--debug: local variables by name, in a domain", { timeout: 180_000 }, async () => {
  const image = await build("test/boot/guest/debugged.ts", { debug: true });
  const line = await linesOf("debugged.ts");
  const { output, exitCode } = await session(
    image,
    ["--on", "domu"],
    [
      `break ${line("year")}`,
      ...["continue", "info args", "info locals", "next", "next", "print total", "up"],
      ...["print depth", "print years", "set variable years = 7", "print years"],
    ],
  );
  expect(output).toMatch(/^rate = 0\.5$/m);
  expect(output).toMatch(/^years = 3$/m);
  expect(output).toMatch(/^total = 1000$/m);
  expect(output).toMatch(/^register_ = 500$/m); // a keyword of C's
  expect([...output.matchAll(/^\$\d = (.*)$/gm)].map(([, value]) => value)).toEqual([
    ...["1500", "1", "3", "7"],
  ]);
  expect(exitCode).toBe(120);
});
