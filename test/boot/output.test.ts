// What a guest prints comes out as it was printed, and before what is said of its end. Why: a reader of a log, or a script that compares an
// output, needs every byte; and what came last before a crash is what explains it. Fails if a line is split, added or cut, if
// a character is torn, if the two streams are mixed, or if a guest that waits or still prints is reported as one that hangs.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

import type { BootOptions, BootResult } from "../../src/host/boot/boot.js";
import type { OutputStream } from "../../src/host/protocol/text-output.js";
import { difference, much } from "../fuzz/channel.js";
import { extent } from "../fixtures/extent.js";
import { everything, everythingPrinted } from "./everything.js";
import { boot, build, expectSuccess, printed } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/output.ts");
});

interface Printed extends Record<OutputStream, string> {
  result: BootResult;
}

/** A boot in that mode, and the bytes of what it prints. */
async function run(mode: string, options: Partial<BootOptions> = {}): Promise<Printed> {
  const parts: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  const result = await boot(image, {
    arguments: [mode],
    onOutput: (bytes, stream) => parts[stream].push(Buffer.from(bytes)),
    ...options,
  });
  const text = (stream: OutputStream): string => Buffer.concat(parts[stream]).toString();
  return { result, stdout: text("stdout"), stderr: text("stderr") };
}

// By Xen's console, and by a domain's ring with a toolstack that has to keep up. A million of them: make fuzz-channel.
test.each([{ on: "dom0" }, { on: "domu" }] as const)(
  "a line of 30,000 characters, and 3,000 lines (in long form 100,000 and 10,000), byte for byte: %o",
  async (way) => {
    const times = extent(3, 10);
    const words = ["much", String(times)];
    const { result, stdout, stderr } = await run("much", { ...way, arguments: words });
    expectSuccess(result);
    expect(difference(Buffer.from(stdout), much(times))).toBeNull();
    expect(stderr).toBe("");
  },
);

test.each(["dom0", "domu"] as const)(
  "torn characters are whole, streams apart, and a last line that has not ended is kept, as %s",
  async (on) => {
    const { result, stdout, stderr } = await run("apart", { on });
    expect(result).toMatchObject({ verdict: "exit", guestCode: 3, damage: [] });
    expect(stdout).toBe("漢😀\r\0\x1b[1m\n\nlone \uFFFD half");
    expect(stderr).toBe("é✓éa line\n");
    expect(printed(result)).toEqual(["漢😀\r\0\x1b[1m", "", "lone \uFFFD half"]);
  },
);

describe.each(["dom0", "domu"] as const)("what was written before the end, as %s", (on) => {
  const ENDS: [string, RegExp][] = [
    ["trap", /^checking\.\.\. partial\nxenlet: the guest trapped at output\.ts:\d+: out-of-bounds/],
    ["abort", /^checking\.\.\. partial\nxenlet: the guest aborted at .*: on purpose/],
    ["hang", /^checking\.\.\. partial\nxenlet: the guest ran, but reported no result within 1.5 s/],
  ];
  test.each(on === "dom0" ? extent(ENDS.slice(0, 1), ENDS) : ENDS)(
    "comes out before the verdict: %s",
    async (mode, expected) => {
      const command = [
        "node",
        "dist/cli.js",
        "run",
        image,
        "--on",
        on,
        "--quiet",
        "--timeout",
        "1.5",
      ];
      const all = promisify(execFile)("sh", ["-c", 'exec "$@" 2>&1', "sh", ...command, "--", mode]);
      const error = await all.then(
        () => null,
        (reason: unknown) => reason as { code: number; stdout: string },
      );
      expect(error?.stdout).toMatch(expected);
      expect(error?.code).toBe(mode === "hang" ? 121 : 120);
    },
  );
});

// A kernel that was jumped into continues with the ring and the input of the one before. As hvm all passes through a device model's
// domain, xenconsoled and dom0; for a PVH domain under xl, of which stock libxl resets none, see xl-run.test.ts.
test.each([{ on: "domu" }, { on: "domu", records: "port" }, { on: "xl-hvm" }] as const)(
  "words, environment, randomness, input, and output up to a trap come through, and in the next kernel: %o",
  async (way) => {
    const { result, stdout, stderr } = await run("all", {
      ...everything("trap"),
      ...way,
      modules: [image],
    });
    expect(result).toMatchObject({
      verdict: "crash",
      exitCode: 120,
      damage: [],
      trap: { kind: "out-of-bounds" },
    });
    expect(stdout).toBe(everythingPrinted("trap", 2));
    const random = stderr.trimEnd().split("\n");
    expect(random).toHaveLength(2);
    expect(new Set([...random, new Uint8Array(16).toString()]).size).toBe(3);
  },
);

describe("a deadline", () => {
  test("of a guest that waits for input says so", async () => {
    const never = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
    };
    const { result, stdout } = await run("read", { on: "domu", input: never, timeoutMs: 1500 });
    expect(stdout).toBe("name?\n");
    expect(result).toMatchObject({ verdict: "timeout", exitCode: 121 });
    expect(result.message).toMatch(
      /^the guest was waiting for input when its time limit of 1.5 s expired/,
    );
  });

  test("of a guest that still prints says so, and how much", async () => {
    const { result, stdout } = await run("flood", { on: "domu", timeoutMs: 1500 });
    const said =
      /^the guest was still printing when its time limit of 1.5 s expired: (?<bytes>\d+) bytes so far/;
    const bytes = Number(said.exec(result.message)?.groups?.["bytes"]);
    expect(result.verdict).toBe("timeout");
    expect(bytes).toBeGreaterThan(1000);
    expect(stdout).toMatch(/^(and so on\n)+$/);
    expect(stdout.length).toBeGreaterThanOrEqual(bytes);
  });

  test("of one that does neither does not: the control", async () => {
    const { result } = await run("prompt", { on: "domu", timeoutMs: 1500 });
    expect(result.message).toMatch(/^the guest ran, but reported no result within 1.5 s/);
  });
});

test("--expect finds a prompt that was written in parts, on standard error", async () => {
  const { result, stderr } = await run("prompt", { on: "domu", expect: { text: "ready>" } });
  expect(result).toMatchObject({ verdict: "exit", exitCode: 0 });
  expect(stderr).toBe("ready> ");
});

test.each(["dom0", "domu"] as const)("a guest of 8 MiB has all of this, as %s", async (on) => {
  const { result, stdout } = await run("apart", { on, memoryMiB: 8 });
  expect(result).toMatchObject({ verdict: "exit", guestCode: 3 });
  expect(stdout).toMatch(/^漢😀/);
});
