// `xenlet run --gdb` and a real gdb: a breakpoint on a line of TypeScript stops the guest there.
// Why: everything that gdb is told goes through QEMU's stub, Xen, page tables that are not there yet, and line numbers
// that four compilers hand on. Fails if gdb cannot attach with the line that is printed, if the line is not known to
// it, or if the guest does not stop at it.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { gdb } from "./real-gdb.js";
import { build } from "./setup.js";

const SOURCE = "test/boot/guest/backtrace.ts";

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

test("stops at a line of TypeScript", { timeout: 180_000 }, async (context) => {
  const debug = await gdb().catch((error: unknown) => {
    context.skip(`gdb cannot be had: ${String(error)}`);
  });
  const image = await build(SOURCE);
  const lines = (await readFile(SOURCE, "utf8")).split("\n");
  const line = 1 + lines.findIndex((text) => text.endsWith("// line: recursion"));
  const port = String(await freePort());
  const args = ["dist/cli.js", "run", "--on", "dom0", "--gdb", port, "--cmdline", "way=divide"];
  const run = spawn("node", [...args, image], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const told = new Promise<string>((resolve) => {
    for (const stream of [run.stdout, run.stderr])
      stream.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const attach = /waiting for gdb: gdb (.*)\n/.exec(said)?.[1];
        if (attach !== undefined) resolve(attach);
      });
  });
  const ended = new Promise<number | null>((resolve) => run.on("exit", resolve));
  try {
    const [file = "", target = ""] = (await told).split(" -ex ");
    const output = await debug?.([
      ...["-ex", target.replaceAll("'", ""), "-ex", "info registers rip"],
      ...["-ex", "set substitute-path guest test/boot/guest"],
      ...["-ex", `break backtrace.ts:${String(line)}`, "-ex", "continue"],
      ...["-ex", "info symbol $pc", "-ex", "delete", "-ex", "detach", file],
    ]);
    expect(output).toMatch(/^rip +0xfff0 /m); // the machine's first instruction: nothing has run
    expect(output).toMatch(new RegExp(`^Breakpoint 1.*backtrace\\.ts:${String(line)}$`, "m"));
    expect(output).toContain(`${String(line)}\t${lines[line - 1] ?? ""}`);
    expect(output).toMatch(/^wasm_fn_.* in section \.text/m);
    expect(await ended).toBe(120); // and then it continues, to where it crashes
  } finally {
    run.kill();
  }
});
