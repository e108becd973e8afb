/**
 * make fuzz: random modules, lowered and run in a guest on Xen, against V8.
 *
 *   --modules N   how many of Binaryen's (default 20 000); on top, half as many that are dense in arithmetic, and
 *                 an eighth of loops that gcc does as vectors
 *   --seed S      the first seed (default: the time); a module's own seed is printed when it fails
 *   --batch N     how many to a boot (default 500)
 *
 * Ends with a line `N modules …`; exits with 1 if there was a disagreement. Each is reduced, and left as a file
 * that `--seed` makes again.
 */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { cacheFolder } from "../../src/cache-folder.js";
import { reduce } from "./reduce.js";
import { prepare, runCases, runSeeds, type Disagreement, type Kind } from "./run.js";

const { values } = parseArgs({
  options: {
    modules: { type: "string", default: "20000" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    batch: { type: "string", default: "500" },
  },
});
const [modules, seed, batch] = [values.modules, values.seed, values.batch].map(Number) as [
  number,
  number,
  number,
];
const folder = path.join(cacheFolder(), "fuzz");

async function tell(kind: Kind, found: Disagreement): Promise<void> {
  console.log(
    `${kind} seed ${found.seed}: the guest and V8 disagree at ${found.step} (${found.guest}, ${found.v8})`,
  );
  const small = await reduce(found, async (candidates) => {
    const cases = candidates.flatMap((one, index) => {
      try {
        return [prepare(index, one.wasm, one.calls)];
      } catch {
        return []; // it does what the account has no word for, or uses what the lowering has not
      }
    });
    const wrong = await runCases(cases, []);
    return new Set(wrong.map((one) => one.seed));
  });
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${kind}-${found.seed}.wat`);
  await writeFile(file, small.text);
  console.log(`  reduced to ${small.wasm.length} bytes: ${file}\n${small.text}`);
}

const wanted: [kind: Kind, count: number][] = [
  ["random", modules],
  ["arithmetic", Math.ceil(modules / 2)],
  ["vectors", Math.ceil(modules / 8)],
];
const total = wanted.reduce((sum, [, count]) => sum + count, 0);
console.log(`${total} modules from seed ${seed} on, ${batch} to a boot`);
const start = performance.now();
let done = 0;
let failed = 0;
for (const [kind, count] of wanted) {
  for (let at = 0; at < count; at += batch) {
    const report = await runSeeds(kind, seed + at, Math.min(batch, count - at));
    done += report.modules;
    failed += report.disagreements.length;
    const traps = [...report.traps]
      .sort(([a], [b]) => a - b)
      .map(([trap, times]) => `${trap}:${times}`);
    const minutes = ((performance.now() - start) / 60_000).toFixed(1);
    console.log(
      `${done} of ${total} after ${minutes} min: ${kind} from seed ${seed + at} on, ${report.calls} calls, traps ${traps.join(" ") || "none"}`,
    );
    for (const found of report.disagreements) await tell(kind, found);
  }
}
console.log(`${done} modules, ${failed} disagreements`);
process.exitCode = failed > 0 ? 1 : 0;
