// The figures of docs/performance.md, each beside its baseline of the same run. Instruction counts are QEMU's
// own (-icount: one instruction, one ns, whatever else the machine does); times are medians of runs in pairs.

import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { bootCosts, domainCosts } from "./boot-cost.js";
import { entryOffset } from "../test/boot/entry.js";
import { boot, build, folder, measured, median, progress, qemu, tidyUp, xen } from "./setup.js";
import { kernels } from "./kernels.js";
import { library } from "./library.js";

const RUNS = 7;

interface Row {
  what: string;
  measured: string;
  baseline: string;
  ratio: string;
}
const rows: Row[] = [];

/** SCHEDOP_yield from AssemblyScript, against a raw assembly loop in the same guest. */
async function yields(hypercall: "page" | "direct"): Promise<void> {
  progress.start(`SCHEDOP_yield, hypercalls by ${hypercall}`);
  const image = await build("bench/guest/yield.ts", `yield-${hypercall}`, {
    hypercall,
    native: ["bench/guest/yield.c"],
  });
  const result = await boot(image, { icount: true, timeoutMs: 120_000 });
  const raw = measured(result, "yield-raw");
  const typed = measured(result, "yield-assemblyscript");
  rows.push({
    what: `SCHEDOP_yield, hypercalls by ${hypercall}: instructions, Xen's own included`,
    measured: typed.toFixed(1),
    baseline: `${raw.toFixed(1)} (raw assembly loop)`,
    ratio: `${typed - raw >= 0 ? "+" : ""}${(typed - raw).toFixed(1)}`,
  });
}

/** An event sent and seen, and a poll that finds one, against the same hypercalls from C. */
async function eventPath(): Promise<void> {
  progress.start("event path");
  const image = await build("bench/guest/events.ts", "events", {
    native: ["bench/guest/events.c"],
  });
  const result = await boot(image, { icount: true, timeoutMs: 120_000 });
  for (const [name, what] of [
    ["send", "an event sent, its upcall taken, and seen"],
    ["poll", "an event sent, and a poll that it ends"],
  ] as const) {
    const raw = measured(result, `${name}-raw`);
    const typed = measured(result, `${name}-assemblyscript`);
    rows.push({
      what: `${what}: instructions, Xen's own included`,
      measured: typed.toFixed(0),
      baseline: `${raw.toFixed(0)} (the hypercalls alone)`,
      ratio: (typed / raw).toFixed(2),
    });
  }
}

/** The event loop: what a timer, an event and a sleep cost with few and with many of them. */
async function eventLoop(): Promise<void> {
  progress.start("event loop");
  const result = await boot(await build("bench/guest/loop.ts", "loop"), {
    icount: true,
    timeoutMs: 120_000,
  });
  const clock = measured(result, "clock");
  const row = (what: string, many: number, few: number, fewWhat: string): void => {
    rows.push({
      what: `${what}: instructions`,
      measured: many.toFixed(0),
      baseline: `${few.toFixed(0)} (${fewWhat})`,
      ratio: (many / few).toFixed(2),
    });
  };
  const set = (n: number): number => measured(result, `set-of-${n}`) - clock;
  row(
    "set one of 100,000 timers, the clock's reading left out",
    set(100_000),
    set(1000),
    "of 1,000",
  );
  for (const [name, what] of [
    ["clear-of", "clear one of 100,000 timers"],
    ["run-of", "run one of 100,000 timers"],
  ] as const)
    row(what, measured(result, `${name}-100000`), measured(result, `${name}-1000`), "of 1,000");
  for (const [name, what] of [
    ["event-of", "send and handle an event, 1,000 ports bound"],
    ["sleep-with", "a sleep until a timer, 1,000 ports bound"],
  ] as const)
    row(what, measured(result, `${name}-1000`), measured(result, `${name}-1`), "1 port");
}

/** hello, with `cli; hlt` as its first instruction: the last vCPU halts with interrupts off, which powers off. */
async function haltingGuest(hello: string): Promise<string> {
  const bytes = await readFile(hello);
  bytes.writeUInt16LE(0xf4fa, entryOffset(bytes));
  const output = join(folder, "halt.elf");
  await writeFile(output, bytes);
  return output;
}

async function bootTimes(): Promise<void> {
  progress.start(`boot times, ${RUNS} pairs`);
  const hello = await build("examples/hello.ts", "hello");
  const halt = await haltingGuest(hello);
  const demo = await build("examples/demo.ts", "demo");
  const times = { hello: [] as number[], halt: [] as number[], demo: [] as number[] };
  for (let run = 0; run <= RUNS; run++) {
    const halted = (await boot(halt)).durationMs;
    const said = (await boot(hello)).durationMs;
    const told = (await boot(demo)).durationMs;
    if (run === 0) continue; // the page cache's
    times.halt.push(halted);
    times.hello.push(said);
    times.demo.push(told);
  }
  for (const name of ["hello", "demo"] as const) {
    rows.push({
      what: `QEMU's start to the verdict, ${name}: ms`,
      measured: median(times[name]).toFixed(0),
      baseline: `${median(times.halt).toFixed(0)} (a guest that halts at once)`,
      ratio: median(times[name].map((ms, run) => ms / (times.halt[run] ?? Number.NaN))).toFixed(2),
    });
  }
}

/** A soft reset with a jump into the next kernel, against a soft reset without one; and the last ones against the first. */
async function jumps(): Promise<void> {
  const generations = 10_000;
  progress.start(`${generations} kernels, each jumping into the next`);
  const image = await build("bench/guest/kexec.ts", "kexec");
  const result = await boot(image, {
    on: "domu",
    modules: [image],
    cmdline: `generations=${generations} quiet=1`,
    timeoutMs: 900_000,
  });
  if (result.verdict !== "exit") throw new Error(result.message);
  const ms = (name: string): number => measured(result, name) / 1e6;
  rows.push({
    what: "soft reset with a jump into the next kernel: ms",
    measured: ms("cycle").toFixed(2),
    baseline: `${ms("reset").toFixed(2)} (a soft reset)`,
    ratio: (ms("cycle") / ms("reset")).toFixed(2),
  });
  rows.push({
    what: `the same, the last 100 of ${generations}: ms`,
    measured: ms("cycle-late").toFixed(2),
    baseline: `${ms("cycle-early").toFixed(2)} (the first 100)`,
    ratio: (ms("cycle-late") / ms("cycle-early")).toFixed(2),
  });
  rows.push({
    what: `pages lost in ${generations} jumps`,
    measured: String(measured(result, "pages-lost")),
    baseline: "0",
    ratio: "",
  });
}

/** The same in instructions, against hello in C. */
async function bootInstructions(): Promise<void> {
  const hello = await build("examples/hello.ts", "hello");
  const { hello: typed, c, page, halt } = await bootCosts(hello, await haltingGuest(hello));
  const row = (what: string, key: keyof typeof c): void => {
    rows.push({
      what: `${what}: thousands of instructions, Xen's own included`,
      measured: typed[key].toFixed(0),
      baseline: `${c[key].toFixed(0)} (hello in C)`,
      ratio: (typed[key] / c[key]).toFixed(2),
    });
  };
  row("Xen's hand-over to hello's first line, PVH dom0", "toFirstLine");
  row("to the halted domain", "toHalted");
  rows.push({
    what: "the same, --hypercall page",
    measured: page.toHalted.toFixed(0),
    baseline: "",
    ratio: "",
  });
  rows.push({
    what: "the same, a guest that halts at its first instruction",
    measured: halt.toHalted.toFixed(0),
    baseline: "",
    ratio: "",
  });
  const { ring, port } = await domainCosts(hello);
  rows.push({
    what: "hello as a domain, from XEN_DOMCTL_unpausedomain to the halted domain: thousands of instructions, Xen's own included",
    measured: ring.toFixed(0),
    baseline: `${port.toFixed(0)} (records by the debug port alone)`,
    ratio: (ring / port).toFixed(2),
  });
}

/** From source to image: nothing known, nothing changed, and one line changed. */
async function buildTimes(): Promise<void> {
  progress.start("build times");
  const time = async (run: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await run();
    return performance.now() - start;
  };
  const entry = join(folder, "built.ts");
  await writeFile(entry, 'console.log("built");\n');
  const cold = await time(() => build(entry, "built", { cache: false }));
  await build(entry, "built");
  const warm = await time(() => build(entry, "built"));
  rows.push({
    what: "hello.ts to image, nothing changed: ms",
    measured: warm.toFixed(0),
    baseline: `${cold.toFixed(0)} (every stage done)`,
    ratio: (warm / cold).toFixed(2),
  });
}

async function sizes(): Promise<void> {
  progress.start("image size");
  const stub = await build("examples/hello.ts", "hello-stub", { strip: true, runtime: "stub" });
  rows.push({
    what: "hello image, stripped, --runtime stub: bytes",
    measured: String((await stat(stub)).size),
    baseline: "16384 (the limit set)",
    ratio: ((await stat(stub)).size / 16_384).toFixed(2),
  });
  const image = await build("examples/hello.ts", "hello-stripped", { strip: true });
  rows.push({
    what: "hello image, stripped: bytes",
    measured: String((await stat(image)).size),
    baseline: "20480 (the limit set)",
    ratio: ((await stat(image)).size / 20_480).toFixed(2),
  });
}

/** What an edit costs: a changed line, built and booted to its verdict, in this process. */
async function editLoop(): Promise<void> {
  progress.start("edit to verdict");
  const times: number[] = [];
  const builds: number[] = [];
  for (let run = 0; run < 4; run++) {
    const entry = join(folder, "edited.ts");
    await writeFile(entry, `console.log("edit ${run}");\n`);
    const start = performance.now();
    const image = await build(entry, "edited");
    const built = performance.now();
    const result = await boot(image);
    if (result.verdict !== "exit") throw new Error(result.message);
    if (run === 0) continue;
    builds.push(built - start);
    times.push(performance.now() - start);
  }
  rows.push({
    what: "one line edited, to the verdict: ms",
    measured: median(times).toFixed(0),
    baseline: `${median(builds).toFixed(0)} (of it, the build)`,
    ratio: "",
  });
}

const parts: Record<string, () => Promise<void>> = {
  yields: async () => {
    await yields("direct");
    await yields("page");
  },
  events: eventPath,
  loop: eventLoop,
  boot: bootTimes,
  instructions: bootInstructions,
  build: buildTimes,
  size: sizes,
  edit: editLoop,
  jumps,
};
const only = process.argv.slice(2);
const wanted = (name: string): boolean => only.length === 0 || only.includes(name);

try {
  const lines = wanted("kernels") ? [...(await kernels()), ""] : [];
  if (wanted("library")) lines.push(...(await library()), "");
  for (const [name, part] of Object.entries(parts)) if (wanted(name)) await part();
  progress.done(`Xen ${xen.debianVersion ?? xen.release} on QEMU ${qemu.version}`);
  if (rows.length > 0)
    lines.push(
      "| what | measured | baseline | ratio or difference |",
      "| --- | --- | --- | --- |",
      ...rows.map((row) => `| ${row.what} | ${row.measured} | ${row.baseline} | ${row.ratio} |`),
    );
  console.log(lines.join("\n"));
} finally {
  await tidyUp();
}
