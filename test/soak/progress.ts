/** How far each step has come, kept between calls; and the table of what they came to. */
import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

import type { SoakStep, Tally } from "./step.js";

const StepProgress = z.object({
  /** ISO 8601. */
  began: z.string(),
  done: z.number(),
  failures: z.array(z.string()),
  wallS: z.number(),
  cpuS: z.number(),
});
export type StepProgress = z.infer<typeof StepProgress>;

const Progress = z.object({
  /** The commit that is soaked: figures of two trees are not added. */
  tree: z.string(),
  steps: z.record(z.string(), StepProgress),
});

const HEADER =
  "| date (UTC) | tree | Xen | step | done | failed | wall | CPU |\n" +
  "| --- | --- | --- | --- | --- | --- | --- | --- |\n";

export class SoakProgress {
  private constructor(
    private readonly folder: string,
    private readonly tree: string,
    private readonly steps: Record<string, StepProgress>,
  ) {}

  /** What an earlier call left in the folder, if it was of the same tree. */
  static async open(folder: string, tree: string): Promise<SoakProgress> {
    await mkdir(folder, { recursive: true });
    const text = await readFile(path.join(folder, "progress.json"), "utf8").catch(() => null);
    const found = text === null ? null : Progress.parse(JSON.parse(text));
    return new SoakProgress(folder, tree, found?.tree === tree ? found.steps : {});
  }

  of(step: SoakStep): StepProgress {
    return (this.steps[step.name] ??= {
      began: new Date().toISOString(),
      done: 0,
      failures: [],
      wallS: 0,
      cpuS: 0,
    });
  }

  isComplete(step: SoakStep): boolean {
    return this.of(step).done >= step.target;
  }

  /** Adds a round, and writes it down before it returns. */
  async add(step: SoakStep, tally: Tally, cost: { wallS: number; cpuS: number }): Promise<void> {
    const progress = this.of(step);
    progress.done += tally.done;
    progress.failures.push(...tally.failures);
    progress.wallS += cost.wallS;
    progress.cpuS += cost.cpuS;
    await this.#write();
  }

  /** A row of the table, dated now; a step that is complete begins again the next time. Returns the row. */
  async conclude(step: SoakStep, xen: string): Promise<string> {
    const { done, failures, wallS, cpuS } = this.of(step);
    const complete = this.isComplete(step);
    const cells = [
      new Date().toISOString().slice(0, 16).replace("T", " "),
      this.tree,
      xen,
      step.name,
      `${done}${complete ? "" : ` of ${step.target}`} ${step.unit}`,
      String(failures.length),
      minutes(wallS),
      minutes(cpuS),
    ];
    const row = `| ${cells.join(" | ")} |`;
    const table = path.join(this.folder, "results.md");
    await writeFile(table, HEADER, { flag: "wx" }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
    await appendFile(table, `${row}\n`);
    if (complete) Reflect.deleteProperty(this.steps, step.name);
    await this.#write();
    return row;
  }

  async #write(): Promise<void> {
    const file = path.join(this.folder, "progress.json");
    const text = JSON.stringify({ tree: this.tree, steps: this.steps }, null, 2);
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }
}

const minutes = (seconds: number): string => `${(seconds / 60).toFixed(1)} min`;
