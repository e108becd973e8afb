// Images of other projects: what Xen boots is booted, in either way to run, and its user says what it shall come to.
// Why: a kernel that was not built here knows nothing of records; refused by us alone, or ended without a verdict, it
// could not be tried at all. Fails if an image that Xen takes is refused (or the other way round), if a guest asks Xen
// for its memory map in vain, if what it prints does not arrive, or if an expectation comes true on its own.

import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import { LOADER_CASES } from "../fixtures/loader-cases.js";
import { buildKernel32 } from "./kernels.js";
import { boot, build, printed, scratch } from "./setup.js";

let foreign: string;

beforeAll(async () => {
  foreign = await buildKernel32("foreign.c");
});

/** As a domain unless said otherwise; what it prints, and what it comes to. */
async function run(what: string, options: Parameters<typeof boot>[1] = {}) {
  const lines: string[] = [];
  const result = await boot(foreign, {
    on: "domu",
    cmdline: `do=${what}`,
    onConsole: (line) => lines.push(line),
    ...options,
  });
  return { ...result, lines };
}

/** Says "odd kernel here" by the debug port and powers off: 32-bit code for any of the cases. */
function oddKernel(at: number): Uint8Array {
  const text = Buffer.from("odd kernel here\n");
  const reason = Buffer.alloc(4);
  reason.writeUInt32LE(at + 0x100);
  const code = Buffer.concat([
    ...[...text].map((letter) => Buffer.from([0xb0, letter, 0xe6, 0xe9])), // mov al, …; out 0xe9, al
    Buffer.from([0xb8, 29, 0, 0, 0, 0xbb, 2, 0, 0, 0, 0xb9]), // eax: sched_op, ebx: SCHEDOP_shutdown, ecx:
    reason,
    Buffer.from([0x0f, 0x01, 0xd9, 0xf4, 0xeb, 0xfd]), // vmmcall; hlt for ever
  ]);
  return Buffer.concat([code, Buffer.alloc(0x140 - code.length)]);
}

describe("odd images", () => {
  const AT = 0x400000;
  const file = async (name: string): Promise<string> => {
    const found = LOADER_CASES.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no case "${name}"`);
    const path = scratch(`${name.replaceAll(/\W/g, "-")}.elf`);
    await writeFile(path, found.image({ at: AT, bytes: oddKernel(AT) }));
    return path;
  };
  const taken = [
    "20 bytes of padding behind it",
    "in a section alone",
    "namesz 3: the name's NUL is its padding",
    "32 bit for an x86-64",
    "a segment that ends inside of the note: it is read to its end",
    "a segment over another's zeroes",
  ];
  const refused = [
    "in a section that a segment with a note of Xen's hides",
    "a feature that Xen does not know is required",
    "section headers beyond the file's end",
  ];

  // Xen itself is asked: --on dom0 is its own loader, whatever we think of the image.
  test.each([...taken, ...refused])("%s: Xen", async (name) => {
    const lines: string[] = [];
    const result = await boot(await file(name), {
      on: "dom0",
      force: true,
      expect: { shutdown: 0 },
      onConsole: (line) => lines.push(line),
    });
    const isTaken = taken.includes(name);
    expect(lines.includes("odd kernel here"), result.message).toBe(isTaken);
    expect(result.verdict === "exit").toBe(isTaken);
  });

  test.each(taken.slice(0, 4))("%s: the toolstack", async (name) => {
    const result = await boot(await file(name), {
      on: "domu",
      expect: { text: "odd kernel here" },
    });
    expect(result).toMatchObject({ verdict: "exit", exitCode: 0 });
  });

  test("kexec.load() answers the same for all of them", async () => {
    const guest = scratch("loads.ts");
    await writeFile(
      guest,
      'import { bootModules, kexec } from "xenlet";\n' +
        "const modules = bootModules();\n" +
        "for (let i = 0; i < modules.length; i++) console.log(kexec.load(modules[i]).length == 0 ? 'taken' : 'refused');\n",
    );
    const names = [...taken.slice(0, 5), ...refused];
    const modules = [];
    for (const name of names) modules.push(await file(name));
    const result = await boot(await build(guest), { on: "domu", modules });
    expect(printed(result)).toEqual(
      names.map((name) => (taken.includes(name) ? "taken" : "refused")),
    );
  });

  test.each(["domu", "dom0"] as const)(
    "one that is refused is refused by us first (%s)",
    async (on) => {
      await expect(boot(await file(refused[1] ?? ""), { on })).rejects.toMatchObject({
        exitCode: 123,
        message: expect.stringMatching(/requires "bogus", which is unknown to Xen$/) as string,
      });
    },
  );
});

test("a guest asks Xen for its memory map, and is told what its RAM is", async () => {
  const { lines, message } = await run("m0", { memoryMiB: 64 });
  expect(lines[0], message).toBe("map 0 4000000 1");
  expect(lines.filter((line) => line.startsWith("map "))).toHaveLength(3);
});

// A release build of Xen lets domain 0 alone use console_io.
test.each([
  ["domu", ["said by the port"]],
  ["dom0", ["said by the port", "said by console_io"]],
] as const)("what it prints arrives (%s)", async (on, said) => {
  const { lines } = await run("pc0", { on });
  expect(lines).toEqual(said);
});

describe("its verdict", () => {
  test("nobody says any: a crash", async () => {
    expect(await run("p0")).toMatchObject({ verdict: "crash", exitCode: 120 });
  });

  test("the expected text, and that is all: the run ends there", async () => {
    expect(await run("ph", { expect: { text: "by the port" } })).toMatchObject({
      verdict: "exit",
      exitCode: 0,
      message: 'the guest printed "by the port", as expected',
    });
  });

  test.each([
    ["p1", { shutdown: 1 }, 0, /ended by reboot, as expected$/],
    ["p3", { shutdown: 3, text: "by the port" }, 0, /ended by crash, as expected$/],
    ["p0", { shutdown: 1 }, 1, /ended by poweroff, not by reboot$/],
  ] as const)("do=%s, expecting %o, is %i", async (what, expected, exitCode, message) => {
    const result = await run(what, { expect: expected });
    expect(result).toMatchObject({ verdict: "exit", exitCode });
    expect(result.message).toMatch(message);
  });

  test.each([
    ["s0", "exit", 0],
    ["f0", "exit", 5],
    ["s3", "crash", 120],
  ])(
    "XTF's word: do=%s is a verdict, if the domain then powers off",
    async (what, verdict, exitCode) => {
      expect(await run(what)).toMatchObject({ verdict, exitCode });
    },
  );
});

test("an image that does not fit is refused, with what to do", async () => {
  await expect(
    boot(foreign, { on: "domu", memoryMiB: 8, modules: [foreign] }),
  ).resolves.toBeDefined();
  const large = scratch("large.elf");
  const found = LOADER_CASES[0];
  await writeFile(large, found?.image({ at: 0x800000, bytes: oddKernel(0x800000) }) ?? "");
  for (const on of ["domu", "dom0"] as const)
    await expect(boot(large, { on, memoryMiB: 8 })).rejects.toMatchObject({
      exitCode: 123,
      hint: "--mem 9",
    });
});
