// AssemblyScript's library and collector against C with arrays and malloc, in one image: instructions, by QEMU's -icount.

import { boot, build, measured, progress } from "./setup.js";

const TASKS: [name: string, what: string][] = [
  ["matmul", "`Float64Array`: two matrices of 40 × 40 multiplied"],
  ["push", "`f64[]`: 10,000 pushed, and added up"],
  ["sort", "`i32[]`: 4096 sorted by a callback"],
  ["join", "`string[]`: 2000 numbers as text, joined"],
  ["map", "`Map<i32, i32>`: 4096 keys counted"],
  ["trees", "objects: four trees of 2047, including their collection"],
];

/** The table, as lines. */
export async function library(): Promise<string[]> {
  progress.start("the library and its twins");
  const image = await build("bench/guest/library.ts", "library", {
    native: ["bench/guest/library.c"],
  });
  const result = await boot(image, { icount: true, timeoutMs: 300_000 });
  if (result.verdict !== "exit" || result.guestCode !== 0) throw new Error(result.message);
  const thousands = (n: number): string => Math.round(n / 1000).toLocaleString("en");
  return [
    "| library, thousands of instructions | guest | C with malloc, without checks | ratio |",
    "| --- | --- | --- | --- |",
    ...TASKS.map(([name, what]) => {
      const [guest, twin] = [measured(result, name), measured(result, `${name}-c`)];
      return `| ${what} | ${thousands(guest)} | ${thousands(twin)} | ${(guest / twin).toFixed(2)} |`;
    }),
  ];
}
