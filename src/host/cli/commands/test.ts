/** `xenlet test`: guests' tests, and where their results go. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { ExitCode, exitCodesText } from "../../base/exit-codes.js";
import type { BootStart, Way } from "../../boot/boot.js";
import { checkCommandLine } from "../../boot/qemu.js";
import { checkPlaces } from "../places.js";
import { provideQemu } from "../../debian/index.js";
import { nameXen } from "../../boot/xen-name.js";
import { createProgress, type Progress } from "../../base/progress.js";
import { fileFailed, type FileResult, type RunResult } from "../../suites/guest-tests/model.js";
import {
  REPORTERS,
  type Reporter,
  type ReporterName,
} from "../../suites/guest-tests/reporters/index.js";
import { findTestFiles, notRun, runTestFiles } from "../../suites/guest-tests/run-files.js";
import { sourceLines } from "../../suites/guest-tests/source-lines.js";
import { oneLine, plural } from "../../base/text.js";
import { refuseWith, watch } from "../watch.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import type { BuildChoices } from "../guest-image.js";
import * as option from "../options.js";
import {
  chooseOutputs,
  checkOutputs,
  stdoutHasColors,
  writeOutput,
  type Output,
  type OutputOptions,
} from "../outputs.js";
import { chooseXen } from "../xen-choice.js";
import { given } from "../../base/given.js";

export interface TestCommandOptions extends CommonOptions, BuildChoices {
  xen: string;
  on: Way;
  mem: number;
  vcpus: number;
  pcpus?: number;
  boot?: BootStart;
  timeout: number;
  testTimeout: number;
  cmdline?: string;
  filter?: string[];
  /** true: without a number. */
  bail?: number | true;
  forbidOnly?: true;
  jobs?: number;
  watch?: true;
  reporter?: string[];
  outputFile?: string[];
}

const EXIT_CODES = exitCodesText(
  `  0    every test passed (skipped and todo do not count)
  1    a test failed, crashed, hung or was not run
  122  trouble on this machine kept a file from being run
  123  bad usage, or an impossible setting
  124  a file failed to build
  If several apply, in this order: 122, 123, 124, 1.`,
  "xenlet test FOLDER",
);

export function addTest(program: Command, context: Context): void {
  program
    .command("test")
    .summary("run guests' tests on Xen")
    .description(
      'Builds and boots test files (`import { test, expect } from "xenlet/test"`), each as a guest of its own, ' +
        "several at a time, and reports every test. A folder stands for all *.ts below it, except names that begin " +
        "with _ or a dot. A file can declare what it needs of the machine, which overrides these options " +
        "(cmdline= takes the rest of the line):\n" +
        "  // @xenlet vcpus=4 pcpus=4 mem=256 timeout=60 test-timeout=20 cmdline=words",
    )
    .usage("[options] <folder|FILE.ts>...")
    .argument("<paths...>", "folders and test files")
    .addOption(option.XEN())
    .addOption(option.ON())
    .addOption(option.MEM())
    .addOption(option.VCPUS())
    .addOption(option.PCPUS())
    .addOption(option.BOOT())
    .addOption(option.TIMEOUT())
    .addOption(option.TEST_TIMEOUT())
    .addOption(option.CMDLINE())
    .addOption(option.HYPERCALL())
    .addOption(option.TRANSFORM())
    .addOption(option.FILTER("tests"))
    .addOption(option.BAIL())
    .option("--forbid-only", "fail a file that contains test.only() or group.only()")
    .addOption(option.JOBS())
    .addOption(option.WATCH())
    .addOption(option.REPORTER())
    .addOption(option.OUTPUT_FILE())
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .addHelpText("after", EXIT_CODES)
    .action((paths: string[], options: TestCommandOptions) => test(paths, options, context));
}

async function test(paths: string[], options: TestCommandOptions, context: Context): Promise<void> {
  refusePassedOn(context, "test");
  const outputs = chooseTestOutputs(options);
  const files = await findTestFiles(paths);
  await checkOutputs(outputs);
  checkCommandLine(options.cmdline ?? "");
  await checkPlaces();
  if (options.watch === true) return testAndWatch(paths, options, outputs, context);
  return testOnce(files, options, outputs, context);
}

/** After a change only those files again that are built from what changed, or that are new. */
async function testAndWatch(
  paths: string[],
  options: TestCommandOptions,
  outputs: TestOutput[],
  context: Context,
): Promise<never> {
  refuseWith({ ...options }, { json: "--json", forbidOnly: "--forbid-only" });
  const sourcesOf = new Map<string, Set<string>>();
  /** Those that a change interrupted are still to be run. */
  const waiting = new Set<string>();
  return watch(context, async ({ context: once, changed, reads }) => {
    const files = await findTestFiles(paths);
    for (const file of files) {
      const sources = sourcesOf.get(file);
      if (sources === undefined || [...(changed ?? [])].some((one) => sources.has(one)))
        waiting.add(file);
    }
    const now = files.filter((file) => waiting.has(file));
    if (now.length === 0) return;
    const onSources = (file: string, sources: string[]): void => {
      const known = sourcesOf.get(file) ?? new Set();
      for (const source of sources) known.add(source);
      sourcesOf.set(file, known);
      reads(sources);
    };
    const onFile = (file: string): void => void waiting.delete(file);
    await testOnce(now, options, outputs, once, { onSources, onFile });
  });
}

async function testOnce(
  files: string[],
  options: TestCommandOptions,
  outputs: TestOutput[],
  context: Context,
  watched: { onSources?(file: string, sources: string[]): void; onFile?(file: string): void } = {},
): Promise<void> {
  const { signal } = context;
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  const xen = await chooseXen(options.xen, progress, signal);
  const qemu = await provideQemu(progress, { signal });

  const shown = new Shown(progress, files.length);
  const toStdout = outputs.filter(({ file }) => file === null);
  const finished = new Map<string, FileResult>();
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
      optimize: options.watch === true ? "quick" : "full",
      signal,
      onNote: (text) => {
        if (options.quiet !== true) context.say(`xenlet: ${text}`);
      },
      ...given({
        filters: options.filter,
        bail: options.bail === true ? 1 : options.bail,
        forbidOnly: options.forbidOnly,
        pcpus: options.pcpus,
        boot: options.boot,
        cmdline: options.cmdline,
        hypercall: options.hypercall,
        transforms: options.transform,
      }),
      onStage: (file, what) => {
        shown.stage(file, what);
      },
      onSources: (file, sources) => watched.onSources?.(file, sources),
      onFile: (one) => {
        watched.onFile?.(one.file);
        shown.end(one);
        finished.set(one.file, one);
        const text = toStdout.map(({ reporter }) => reporter.file(one)).join("");
        if (text !== "") context.print(text.trimEnd());
      },
    });
    shown.close();
    await report(result, outputs, context);
    context.exitWith(exitCodeOf(result));
  } catch (error) {
    // A reader of the file finds in it what is known so far.
    if (signal.aborted) {
      const known = files.map((file) => finished.get(file) ?? notRun(file, "interrupted"));
      const files_ = outputs.filter(({ file }) => file !== null);
      await report({ xen: nameXen(xen), files: known, durationMs: 0 }, files_, context);
    }
    throw error;
  } finally {
    shown.close();
  }
}

interface TestOutput extends Output<ReporterName> {
  reporter: Reporter;
}

export function chooseTestOutputs(options: OutputOptions): TestOutput[] {
  const known = Object.keys(REPORTERS) as ReporterName[];
  const source = sourceLines();
  const annotates = options.reporter === undefined && process.env["GITHUB_ACTIONS"] === "true";
  const chosen = annotates ? { ...options, reporter: ["github"] } : options;
  return chooseOutputs(chosen, known).map(({ name, file }) => {
    const colors = file === null && stdoutHasColors();
    return { name, file, reporter: REPORTERS[name]({ colors, source }) };
  });
}

async function report(result: RunResult, outputs: TestOutput[], context: Context): Promise<void> {
  for (const { reporter, file } of outputs) {
    const end = reporter.end(result);
    if (file === null) {
      if (end !== "") context.print(end.replace(/\n$/, ""));
      continue;
    }
    await writeOutput(file, result.files.map((one) => reporter.file(one)).join("") + end);
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
