/** Which reporter writes where: what the commands that report have in common. */
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { checkReplaceable, replaceFile } from "../base/pending-files.js";

export interface OutputOptions {
  reporter?: string[];
  outputFile?: string[];
  json?: true;
}

export interface Output<Name extends string> {
  name: Name;
  /** Null: stdout. */
  file: string | null;
}

/** A reporter whose lines may stand between those of another one: GitHub reads them wherever they are. */
const ANNOTATIONS = "github";

/**
 * Each --output-file belongs to the reporter that it names (`junit=out.xml`);
 * without a name, to the only one that is not the terminal's. Reporters without
 * a file write to stdout, which takes one; `terminal` does if nothing else would.
 * `known` are all reporters, "terminal" and "json" among them.
 */
export function chooseOutputs<Name extends string>(
  options: OutputOptions,
  known: readonly (Name | "terminal" | "json")[],
): Output<Name | "terminal" | "json">[] {
  const named = (text: string): Name | "terminal" | "json" => {
    const found = known.find((name) => name === text);
    if (found !== undefined) return found;
    throw new UserError(`unknown reporter "${text}"; expected one of ${known.join(", ")}`);
  };
  const names = new Set(options.reporter?.map(named) ?? []);
  const files = new Map<string, string>();
  for (const text of options.outputFile ?? []) {
    const [, prefix, target = ""] = /^(?:(\w+)=)?(.+)$/s.exec(text) ?? [];
    const machine = [...names].filter((name) => name !== "terminal");
    const name = prefix !== undefined ? named(prefix) : machine[0];
    if (name === undefined || (prefix === undefined && machine.length > 1))
      throw new UserError(`--output-file ${text} does not name its reporter`, {
        hint: "--reporter junit --output-file junit=results.xml",
      });
    if (files.has(name)) throw new UserError(`the reporter ${name} has two output files`);
    names.add(name);
    files.set(name, target);
  }
  if (options.json === true) names.add("json");
  const toStdout = [...names].filter((name) => !files.has(name) && name !== ANNOTATIONS);
  if (toStdout.length === 0) names.add("terminal");
  if (toStdout.length > 1)
    throw new UserError(`the reporters ${toStdout.join(" and ")} would both write to stdout`, {
      hint: `--output-file ${toStdout.find((name) => name !== "terminal") ?? ""}=FILE`,
    });
  return [...names].map((name) => ({ name, file: files.get(name) ?? null }));
}

/** Whether what goes to stdout may have colours. */
export function stdoutHasColors(): boolean {
  // Undefined where it is none, which picocolors takes for "decide": and with CI set it decides for colours in a pipe.
  return process.stdout.isTTY ? !process.env["NO_COLOR"] : false;
}

/**
 * Whether the files can be written, before anything is run: afterwards is too late. What an earlier run
 * left is there until this one has a result.
 */
export async function checkOutputs(outputs: readonly Output<string>[]): Promise<void> {
  for (const { file } of outputs) if (file !== null) await checkOutput(file, "the results");
}

/** `what` is to be written there: throws a UserError (122) if it cannot. Changes nothing. */
export async function checkOutput(file: string, what: string): Promise<void> {
  try {
    await checkReplaceable(file);
  } catch (cause) {
    throw notWritable(file, what, cause);
  }
}

/** Whole or not at all. */
export async function writeOutput(file: string, text: string, what = "the results"): Promise<void> {
  try {
    await replaceFile(file, text);
  } catch (cause) {
    throw notWritable(file, what, cause);
  }
}

function notWritable(file: string, what: string, cause: unknown): UserError {
  return new UserError(`cannot write ${what} to ${file}: ${(cause as Error).message}`, {
    exitCode: ExitCode.HOST,
    cause,
  });
}
