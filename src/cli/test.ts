/** `xenlet test`: guests' tests, and where their results go. */
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import type { Way } from "../machine/boot.js";
import { provideQemu } from "../machine/debian/index.js";
import { createProgress, type Progress } from "../progress.js";
import { fileFailed, type FileResult, type RunResult } from "../testing/model.js";
import {
  isReporterName,
  REPORTERS,
  type Reporter,
  type ReporterName,
} from "../testing/reporters/index.js";
import { findTestFiles, runTestFiles } from "../testing/run-files.js";
import { sourceLines } from "../testing/source-lines.js";
import { oneLine, plural } from "../testing/text.js";
import { refusePassedOn, type CommonOptions, type Context } from "./context.js";
import type { BuildChoices } from "./guest-image.js";
import * as option from "./options.js";
import { chooseXen } from "./xen-choice.js";

export interface TestCommandOptions extends CommonOptions, BuildChoices {
  xen: string;
  on: Way;
  mem: number;
  vcpus: number;
  timeout: number;
  testTimeout: number;
  cmdline?: string;
  jobs?: number;
  reporter?: string[];
  outputFile?: string[];
}

const EXIT_CODES = `
Exit codes of \`xenlet test\`:
  0    every test passed (skipped and todo do not count)
  1    a test failed, crashed, hung or was not run
  122  trouble on this machine kept a file from being run
  123  bad usage, or a setting that cannot be
  124  a file does not build
  If several apply: 122, then 123, then 124, then 1.`;

export function addTest(program: Command, context: Context): void {
  program
    .command("test")
    .summary("run guests' tests on Xen")
    .description(
      'Builds and boots test files (`import { test, expect } from "xenlet/test"`), each as a guest of its own,\n' +
        "several at a time, and reports every test. A folder stands for the *.ts below it, except names that begin\n" +
        "with _ or a dot. What a file needs of the machine it can say itself, and that wins over these options:\n" +
        "  // @xenlet vcpus=4 mem=256 timeout=60 test-timeout=20 cmdline=words to the line's end",
    )
    .usage("[options] <folder|FILE.ts>...")
    .argument("<paths...>", "folders and test files")
    .addOption(option.XEN())
    .addOption(option.ON())
    .addOption(option.MEM())
    .addOption(option.VCPUS())
    .addOption(option.TIMEOUT())
    .addOption(option.TEST_TIMEOUT())
    .addOption(option.CMDLINE())
    .addOption(option.HYPERCALL())
    .addOption(option.TRANSFORM())
    .addOption(option.JOBS())
    .addOption(option.REPORTER())
    .addOption(option.OUTPUT_FILE())
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .addHelpText("after", EXIT_CODES)
    .action((paths: string[], options: TestCommandOptions) => test(paths, options, context));
}

async function test(paths: string[], options: TestCommandOptions, context: Context): Promise<void> {
  refusePassedOn(context, "test");
  const outputs = chooseOutputs(options);
  const files = await findTestFiles(paths);
  // At once: nobody wants to hear of it when all tests have run. And what an earlier run left is gone.
  for (const { file } of outputs) if (file !== null) await write(file, "");
  const { signal } = context;
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  const xen = await chooseXen(options.xen, progress, signal);
  const qemu = await provideQemu(progress, { signal });

  const shown = new Shown(progress, files.length);
  const toStdout = outputs.find(({ file }) => file === null)?.reporter;
  try {
    const result = await runTestFiles(files, {
      xen,
      qemu,
      memoryMiB: options.mem,
      vcpus: options.vcpus,
      on: options.on,
      timeoutMs: options.timeout,
      testTimeoutMs: options.testTimeout,
      jobs: options.jobs ?? availableParallelism(),
      signal,
      ...(options.cmdline === undefined ? {} : { cmdline: options.cmdline }),
      ...(options.hypercall === undefined ? {} : { hypercall: options.hypercall }),
      ...(options.transform === undefined ? {} : { transforms: options.transform }),
      onStage: (file, what) => {
        shown.stage(file, what);
      },
      onFile: (one) => {
        shown.end(one);
        const text = toStdout?.file(one) ?? "";
        if (text !== "") context.print(text.trimEnd());
      },
    });
    shown.close();
    await report(result, outputs, context);
    context.exitWith(exitCodeOf(result));
  } finally {
    shown.close();
  }
}

interface Output {
  name: ReporterName;
  reporter: Reporter;
  /** Null: stdout. */
  file: string | null;
}

/**
 * Each --output-file belongs to the reporter that it names (`junit=out.xml`);
 * without a name, to the only one that is not the terminal's. Reporters without
 * a file write to stdout, which takes one; `terminal` does if nothing else would.
 */
export function chooseOutputs(
  options: Pick<TestCommandOptions, "reporter" | "outputFile" | "json">,
): Output[] {
  const names = new Set<ReporterName>(options.reporter?.map(reporterName) ?? []);
  const files = new Map<ReporterName, string>();
  for (const text of options.outputFile ?? []) {
    const [, prefix, target = ""] = /^(?:(\w+)=)?(.+)$/s.exec(text) ?? [];
    const machine = [...names].filter((name) => name !== "terminal");
    const name = prefix !== undefined ? reporterName(prefix) : machine[0];
    if (name === undefined || (prefix === undefined && machine.length > 1))
      throw new UserError(`--output-file ${text} does not say which reporter's output that is`, {
        hint: "--reporter junit --output-file junit=results.xml",
      });
    if (files.has(name)) throw new UserError(`the reporter ${name} has two output files`);
    names.add(name);
    files.set(name, target);
  }
  if (options.json === true) names.add("json");
  const toStdout = [...names].filter((name) => !files.has(name));
  if (toStdout.length === 0) names.add("terminal");
  if (toStdout.length > 1)
    throw new UserError(`the reporters ${toStdout.join(" and ")} would both write to stdout`, {
      hint: `--output-file ${toStdout.find((name) => name !== "terminal") ?? ""}=FILE`,
    });
  const colors = process.stdout.isTTY && !process.env["NO_COLOR"];
  const source = sourceLines();
  return [...names].map((name) => {
    const file = files.get(name) ?? null;
    return { name, file, reporter: REPORTERS[name]({ colors: file === null && colors, source }) };
  });
}

function reporterName(name: string): ReporterName {
  if (isReporterName(name)) return name;
  const known = Object.keys(REPORTERS).join(", ");
  throw new UserError(`there is no reporter "${name}"; expected one of ${known}`);
}

async function report(result: RunResult, outputs: Output[], context: Context): Promise<void> {
  for (const { reporter, file } of outputs) {
    const end = reporter.end(result);
    if (file === null) {
      context.print(end.replace(/\n$/, ""));
      continue;
    }
    await write(file, result.files.map((one) => reporter.file(one)).join("") + end);
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (cause) {
    throw new UserError(`the results cannot be written to ${file}: ${(cause as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause,
    });
  }
}

export function exitCodeOf({ files }: RunResult): number {
  const has = (kind: string): boolean => files.some(({ problem }) => problem?.kind === kind);
  if (has("host")) return ExitCode.HOST;
  if (has("input")) return ExitCode.USAGE;
  if (has("build")) return ExitCode.BUILD_FAILED;
  return files.some(fileFailed) ? 1 : ExitCode.OK;
}

/** What is going on, on one line of the terminal. */
class Shown {
  readonly #now = new Map<string, string>();
  #ended = 0;
  #open = false;

  constructor(
    private readonly progress: Progress,
    private readonly files: number,
  ) {}

  stage(file: string, what: string): void {
    this.#now.set(file, what);
    this.#show();
  }

  end({ file }: FileResult): void {
    this.#now.delete(file);
    this.#ended++;
    // The file's results are printed next, and the line must not be in their way.
    this.close();
  }

  close(): void {
    if (this.#open) this.progress.done(`${this.#ended} of ${plural(this.files, "file")} tested`);
    this.#open = false;
  }

  #show(): void {
    const now = [...this.#now].map(([file, what]) => `${file}: ${oneLine(what)}`).join(", ");
    const text = `${this.#ended} of ${this.files}: ${now}`;
    if (this.#open) this.progress.update(text);
    else this.progress.start(text);
    this.#open = true;
  }
}
