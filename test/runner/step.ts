import { execa } from "execa";

/** What a step adds to the sum: a static check counts as one. */
export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
  /** Shown when the step failed (or skipped: why); a step that streams its output has none. */
  output?: string;
}

export interface Step {
  /** What `--only` selects by; several steps may share it. */
  name: string;
  title: string;
  /** It only reads the tree, on one CPU, and shows nothing before its end: several such steps run side by side. */
  static?: true;
  /** Throwing counts as one failure. `root` is the top of the tree under test. */
  run(root: string): Promise<Outcome>;
}

export const passed = (): Outcome => ({ passed: 1, failed: 0, skipped: 0 });
export const failed = (output: string): Outcome => ({ passed: 0, failed: 1, skipped: 0, output });
export const skipped = (output: string): Outcome => ({ passed: 0, failed: 0, skipped: 1, output });

/** The environment of a child: plain text unless a person is looking. */
export function childEnvironment(): Record<string, string> {
  return process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
}

/** A step that is one command: silent and counted as one when it exits with 0. */
export function commandStep(name: string, title: string, command: string, args: string[]): Step {
  return {
    name,
    title,
    static: true,
    async run(root) {
      const result = await execa(command, args, {
        cwd: root,
        preferLocal: true,
        localDir: root,
        all: true,
        reject: false,
        stdin: "ignore",
        env: childEnvironment(),
      });
      if (result.exitCode === 0) return passed();
      return failed(`${result.shortMessage ?? command}\n${result.all}`);
    },
  };
}
