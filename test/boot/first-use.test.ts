// What a boot asks of Xen: nothing that the program does not need. shared_info, its upcall and, where Xen gives none, the
// memory map are had when they are first needed, and after a soft reset what was in use is so again.
// Why: each is tens of thousands of instructions of a boot that is 110 thousand. Fails if something is set up for a
// program that does not need it, or is not there for one that does: its event would be lost, and its clock stand; or if a
// run that comes to nothing leaves open whether the program ran.

import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import { readElf } from "../../src/host/elf/elf.js";
import { readSymbols } from "../../src/host/elf/symbols.js";
import { boot, build, expectSuccess, payloads, printed, scratch } from "./setup.js";

describe("shared_info", () => {
  const NOTHING = "not mapped, no upcall, interrupts off";
  const ALL = "mapped, upcall, interrupts on";
  let image: string;

  beforeAll(async () => {
    image = await build("test/boot/guest/first-use.ts", {
      native: ["test/boot/guest/first-use.c"],
    });
  });

  test("in dom0 is not there before it is used, whatever is printed, and then it is", async () => {
    const result = await boot(image, { on: "dom0", cmdline: "flood=1" });
    expectSuccess(result);
    expect(printed(result).filter((line) => !line.startsWith("a line"))).toEqual([
      `at first: ${NOTHING}`,
      `console full: ${NOTHING}`,
      `a clock was read: ${ALL}`,
    ]);
  });

  test("is there after a soft reset only if it was in use before", async () => {
    const result = await boot(image, { on: "domu" });
    expectSuccess(result);
    expect(printed(result)).toEqual([
      `at first: ${NOTHING}`,
      `reset, never used: ${NOTHING}`,
      `a clock was read: ${ALL}`,
      `reset, used: ${ALL}`,
    ]);
  });

  test("is mapped, and no more than that, by who waits for the console; no line is lost, and its next user finds it", async () => {
    const result = await boot(image, { on: "domu", cmdline: "flood=1" });
    expectSuccess(result);
    const lines = printed(result);
    expect(lines.filter((line) => line.startsWith("a line"))).toHaveLength(100);
    expect(lines.filter((line) => !line.startsWith("a line"))).toEqual([
      `at first: ${NOTHING}`,
      `reset, never used: ${NOTHING}`,
      `console full: mapped, no upcall, interrupts off`,
      `reset, never used but by the console: ${NOTHING}`,
      `a clock was read: ${ALL}`,
      `reset, used: ${ALL}`,
    ]);
  });
});

describe("a boot as dom0, to the halted domain", () => {
  /** Thousands of instructions, Xen's own included: with -icount one is a nanosecond of the timestamps' time. */
  const cost = async (source: string): Promise<number> => {
    const file = scratch("cost.ts");
    await writeFile(file, source);
    const result = await boot(await build(file), {
      on: "dom0",
      icount: true,
      timeoutMs: 120_000,
      xenArgs: ["console_timestamps=boot"],
    });
    expectSuccess(result);
    const lines = (await readFile(result.log ?? "", "utf8")).split("\n");
    const at = (what: string): number => {
      const line = lines.find((one) => one.includes(what));
      return Number(/\[ *(\d+\.\d{6})\]/.exec(line ?? "")?.[1]) * 1e6;
    };
    return at("Hardware Dom0 halted") - at("kB init memory");
  };
  const HELLO = 'console.log("Hello from a Xen guest");';
  let hello: number;

  beforeAll(async () => {
    hello = await cost(HELLO);
  });

  test("costs what docs/performance.md says", () => {
    expect(hello).toBeLessThan(115);
  });

  test.each([
    ["shared_info and its upcall", 'import { systemTime } from "xenlet"; systemTime();', 35],
    ["the memory map", "memory.grow(1);", 18],
  ])("the control: it does not pay for %s, which cost more", async (_what, statement, atLeast) => {
    expect(await cost(`${statement} ${HELLO}`)).toBeGreaterThan(hello + atLeast);
  });
});

describe("that the program runs is told", () => {
  const LOOPS = "while (true) {}";
  const imaged = async (source: string): Promise<string> => {
    const file = scratch("silent.ts");
    await writeFile(file, source);
    return build(file);
  };

  test("by its first record, without one of its own", async () => {
    const result = await boot(await imaged('console.log("here");'));
    expectSuccess(result);
    expect(result.records.map(({ kind }) => kind)).toEqual(["log", "exit"]);
  });

  test.each([
    ["SCHEDOP_block", "block"],
    ["SCHEDOP_poll", "poll"],
    ["the event loop's sleep", "timer"],
  ])("before it waits: by %s", async (_how, word) => {
    const source =
      'import { commandLineValue, sched } from "xenlet"; const how = commandLineValue("how");' +
      'if (how == "block") sched.block(); else if (how == "poll") sched.poll([], 0);' +
      "else setTimeout(() => {}, 100_000_000);";
    const result = await boot(await imaged(source), { cmdline: `how=${word}`, timeoutMs: 1500 });
    expect(result).toMatchObject({ verdict: "timeout", stage: "runtime", running: [] });
    expect(payloads(result, "boot")).toEqual(["stage=runtime"]);
    expect(result.message).toContain("none of its vCPUs was running");
  });

  test("before what ends it", async () => {
    const result = await boot(await imaged("unreachable();"));
    expect(result).toMatchObject({ verdict: "crash", stage: "runtime" });
    expect(result.records.map(({ kind }) => kind)).toEqual(["boot", "trap"]);
  });

  test.each(["dom0", "domu"] as const)(
    "by Xen, asked for its registers, if it neither speaks nor waits, as %s",
    async (on) => {
      const source = "let n = 0;\nwhile (n < i32.MAX_VALUE) {\n  n = (n * 5 + 1) % 1000;\n}\n";
      const result = await boot(await imaged(source), { on, timeoutMs: 1500 });
      expect(result).toMatchObject({ verdict: "timeout", stage: "entered", records: [] });
      expect(result.running).toHaveLength(1);
      expect(result.running[0]?.frame.text).toMatch(/silent\.ts:[23]\)$/);
      expect(result.message).toMatch(/; vCPU 0 was at .*silent\.ts:[23]\)$/);
    },
  );

  test.each(["dom0", "domu"] as const)(
    "as not yet so, if a trap comes first, as %s",
    async (on) => {
      const image = await imaged(LOOPS);
      const elf = await readElf(image);
      const at = readSymbols(elf).find(({ name }) => name === "linear_init")?.address ?? 0n;
      const text = elf.segments.find(({ executable }) => executable);
      const bytes = await readFile(image);
      bytes.writeUInt16LE(0x0b0f, Number(text?.offset) + Number(at - (text?.vaddr ?? 0n))); // ud2
      await writeFile(image, bytes);
      const result = await boot(image, { on });
      expect(result).toMatchObject({ verdict: "crash", stage: "entered", damage: [] });
      expect(payloads(result, "boot")).toEqual(["stage=entered"]);
      expect(result.records.map(({ kind }) => kind)).toEqual(["boot", "trap"]);
    },
  );

  test("apart from that it is set up again after a soft reset: who counts kernels counts the first", async () => {
    const image = await imaged(
      'import { softReset, xen } from "xenlet"; softReset.request(); xen.attach(); softReset.request(); xen.attach();',
    );
    const result = await boot(image, { on: "domu" });
    expectSuccess(result);
    expect(payloads(result, "boot")).toEqual(["stage=runtime", "stage=attached", "stage=attached"]);
  });
});
