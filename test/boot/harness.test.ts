// What a run says when the guest or its image is broken: never success, never a silent hang.
// Why: a test suite is worth what its worst failure looks like. Fails if one of these counts as a success, waits
// without a deadline, or leaves its reader without the stage, the log and the reason.

import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import { xenFromPath } from "../../src/host/debian/index.js";
import { entryOffset } from "./entry.js";
import { boot, build, expectSuccess, scratch, xen } from "./setup.js";

let hello: string;

beforeAll(async () => {
  hello = await build("examples/hello.ts");
});

async function program(name: string, source: string): Promise<string> {
  const file = scratch(`${name}.ts`);
  await writeFile(file, source);
  return build(file);
}

/** The hello image with some bytes changed. */
async function damaged(name: string, change: (image: Buffer) => Buffer): Promise<string> {
  const file = scratch(`${name}.elf`);
  await writeFile(file, change(await readFile(hello)));
  return file;
}

describe("a guest that", () => {
  test("never answers is a timeout, with the stage it reached, where it was, and the log", async () => {
    const result = await boot(await program("spin", "while (true) {}"), { timeoutMs: 1500 });
    expect(result).toMatchObject({ verdict: "timeout", exitCode: 121, stage: "entered" });
    expect(result.message).toMatch(
      /printed nothing within 1.5 s(?: of its own \(.*\))?; vCPU 0 was at top level \(spin\.ts:1\)/,
    );
    expect(await readFile(result.log ?? "", "utf8")).toContain("'d' pressed");
  });

  test("dies before its first record is a crash", async () => {
    // A triple fault at the first instruction: there is no IDT yet.
    const image = await damaged("ud2", (bytes) => {
      bytes.writeUInt16LE(0x0b0f, entryOffset(bytes));
      return bytes;
    });
    const result = await boot(image);
    expect(result).toMatchObject({
      verdict: "crash",
      exitCode: 120,
      stage: "entered",
      guestCode: null,
    });
  });

  test("ends without a verdict is a crash, even if it ended well", async () => {
    const image = await program(
      "silent",
      'import { sched, SHUTDOWN_poweroff } from "xenlet"; sched.shutdown(SHUTDOWN_poweroff);',
    );
    const result = await boot(image);
    expect(result).toMatchObject({ verdict: "crash", exitCode: 120, ended: { reason: 0 } });
  });

  test("says a verdict and then ends in another way is a crash", async () => {
    const image = await program(
      "liar",
      'import { record, sched, SHUTDOWN_crash } from "xenlet"; record("exit", "code=0"); sched.shutdown(SHUTDOWN_crash);',
    );
    expect(await boot(image)).toMatchObject({ verdict: "crash", exitCode: 120 });
  });

  test("has an exit code of ours keeps it apart", async () => {
    const result = await boot(await program("codes", "process.exit(121);"));
    expect(result).toMatchObject({ verdict: "exit", guestCode: 121, exitCode: 125 });
  });
});

describe("an image", () => {
  test("without a PVH note is refused before QEMU starts, and by Xen if it is booted all the same", async () => {
    const image = await damaged("no-note", (bytes) => {
      const note = bytes.indexOf(Buffer.from([4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0]));
      bytes.writeUInt32LE(99, note + 8);
      return bytes;
    });
    await expect(boot(image, { on: "dom0" })).rejects.toThrow(/XEN_ELFNOTE_PHYS32_ENTRY/);
    const forced = await boot(image, { on: "dom0", force: true });
    expect(forced.verdict).not.toBe("exit");
    expect(forced.stage).toBe("xen");
  });

  test("that is cut off is refused", async () => {
    const image = await damaged("cut", (bytes) => bytes.subarray(0, 9000));
    await expect(boot(image, { on: "dom0" })).rejects.toThrow(/truncated|past the end|ends/);
  });

  test("that was not changed boots: the control", async () => {
    expectSuccess(await boot(await damaged("same", (bytes) => bytes)));
  });
});

test("a Xen file that is no Xen is refused", async () => {
  await expect(xenFromPath(hello)).rejects.toThrow(/is not a Xen/);
  expect((await xenFromPath(xen.path)).path).toBe(xen.path);
});

test("two boots at the same time do not disturb each other", async () => {
  const image = await program("both", "console.log(process.argv[process.argv.length - 1]);");
  const results = await Promise.all(
    ["left", "right"].map((word) => boot(image, { cmdline: word })),
  );
  for (const result of results) expectSuccess(result);
  expect(
    results.map((result) => result.records.find(({ kind }) => kind === "log")?.payload),
  ).toEqual(["left", "right"]);
});
