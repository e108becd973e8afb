/**
 * make fuzz: random modules, lowered and run in a guest on Xen, against V8.
 *
 *   --modules N   how many of Binaryen's (default 20 000); on top, a sixteenth as many that are dense in arithmetic, a
 *                 sixteenth of loops that gcc does as vectors, and a sixteenth of SIMD
 *   --seed S      the first seed (default: the time); a module's own seed is printed when it fails
 *   --batch N     how many to a boot (default 2000)
 *   --flags F     more flags for the modules' C: another way to lower, or a wrong one, to see that it is found
 *   --jobs N      how many batches at a time (default: one for each CPU)
 *
 * Ends with a line `N modules …`, also when it is interrupted; exits with 1 if there was a disagreement, or if it did
 * not come to its end. Each disagreement is reduced, and left as a file that `--seed` makes again.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { runBatch, type Batch, type BatchReport } from "./work.js";
import type { Kind } from "./run.js";

const { values } = parseArgs({
  options: {
    modules: { type: "string", default: "20000" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    batch: { type: "string", default: "2000" },
    jobs: { type: "string", default: String(availableParallelism()) },
    flags: { type: "string", default: "" },
    worker: { type: "boolean", default: false },
  },
});

/** A long run is short of processors: V8's second compiler costs more than it brings for programs run this little. */
const LEAN = ["--liftoff-only", "--single-threaded"];
const flags = values.flags.split(" ").filter((flag) => flag !== "");

/** The batches of all kinds, mixed, so that a run that is cut short has seen some of each. */
function plan(modules: number, seed: number, size: number): Batch[] {
  const wanted: [kind: Kind, count: number][] = [
    ["random", modules],
    ["arithmetic", Math.ceil(modules / 16)],
    ["vectors", Math.ceil(modules / 16)],
    ["simd", Math.ceil(modules / 16)],
  ];
  return wanted
    .flatMap(([kind, count]) =>
      Array.from({ length: Math.ceil(count / size) }, (_, index) => ({
        batch: {
          kind,
          seed: seed + index * size,
          count: Math.min(size, count - index * size),
          flags,
        },
        place: (index * size) / count,
      })),
    )
    .sort((a, b) => a.place - b.place)
    .map(({ batch }) => batch);
}

/** A worker is that far with its batch. */
interface BatchStage {
  batch: Batch;
  stage: string;
}

function work(): void {
  process.on("message", (batch: Batch) => {
    const onStage = (stage: string): void => void process.send?.({ batch, stage });
    void runBatch(batch, onStage).then((report) => process.send?.(report));
  });
  process.on("disconnect", () => process.exit());
}

async function lead(): Promise<void> {
  const [modules, seed, size, jobs] = [values.modules, values.seed, values.batch, values.jobs].map(
    Number,
  ) as [number, number, number, number];
  const batches = plan(modules, seed, size);
  const total = batches.reduce((sum, { count }) => sum + count, 0);
  const start = performance.now();
  const minutes = (): string => `${((performance.now() - start) / 60_000).toFixed(1)} min`;
  const done = new Map<Kind, number>();
  let [calls, failed, answered] = [0, 0, 0];
  const planned = batches.length;
  const sum = (): number => [...done.values()].reduce((a, b) => a + b, 0);
  const tellEnd = (how: string): void => {
    const kinds = [...done].map(([kind, count]) => `${count} ${kind}`).join(", ");
    console.log(
      `${sum()} modules${how} (${kinds}; seeds from ${seed} on), ${calls} calls, ${failed} disagreements, ${minutes()}`,
    );
  };
  const take = ({ batch, modules: run, calls: made, traps, failures }: BatchReport): void => {
    done.set(batch.kind, (done.get(batch.kind) ?? 0) + run);
    answered++;
    calls += made;
    failed += failures.length;
    const counts = Object.entries(traps).map(([trap, times]) => `${trap}:${times}`);
    console.log(
      `${sum()} of ${total} after ${minutes()}: ${batch.kind} from seed ${batch.seed} on, ${made} calls, traps ${counts.join(" ") || "none"}`,
    );
    for (const failure of failures) console.log(failure);
  };
  const tellStage = ({ batch, stage }: BatchStage): void => {
    console.log(
      `after ${minutes()}: ${batch.count} ${batch.kind} from seed ${batch.seed} on ${stage}`,
    );
  };
  console.log(`${total} modules from seed ${seed} on, ${size} to a boot`);
  const children: ChildProcess[] = [];
  // A worker that is ended has left behind what it had; a compiler of its may be writing yet.
  const folder = mkdtempSync(join(tmpdir(), "xenlet-fuzz-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      tellEnd(` of ${total}, interrupted`);
      for (const child of children) child.kill();
      process.exit(1);
    });
  await Promise.all(
    Array.from({ length: jobs }, () => {
      const child = fork(fileURLToPath(import.meta.url), ["--worker"], {
        execArgv: LEAN,
        env: { ...process.env, TMPDIR: folder },
      });
      children.push(child);
      const next = (): void => {
        const batch = batches.shift();
        if (batch) child.send(batch);
        else child.disconnect();
      };
      child.on("message", (message: BatchReport | BatchStage) => {
        if ("stage" in message) {
          tellStage(message);
          return;
        }
        take(message);
        next();
      });
      next();
      return new Promise<void>((resolve) => child.once("exit", resolve));
    }),
  );
  const finished = answered === planned;
  tellEnd(finished ? "" : ` of ${total}, not finished`);
  process.exitCode = failed > 0 || !finished ? 1 : 0;
}

if (values.worker) work();
else await lead();
