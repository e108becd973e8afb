/** `xenlet conform`: the soft reset conformance checks, on several versions of Xen. */
import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option, type Command } from "commander";
import { UserError } from "../../base/errors.js";
import { checkPlaces } from "../places.js";
import { ExitCode, exitCodesText } from "../../base/exit-codes.js";
import type { BootStart } from "../../boot/boot.js";
import { XEN_RELEASES, type XenBinary } from "../../debian/index.js";
import { expectationsOn } from "../../suites/conformance/expectations-on.js";
import type { ConformanceBackend, HypercallChoice } from "../../suites/conformance/backend.js";
import { createBackend } from "../../suites/conformance/default-backend.js";
import { COVERED, Coverage } from "../../suites/conformance/coverage/coverage.js";
import { exitCodeOfReport } from "../../suites/conformance/exit-code.js";
import {
  WAYS,
  countRuns,
  nameRun,
  type Report,
  type Run,
  type Shard,
  type Way,
} from "../../report/matrix/model.js";
import type { PlannedCheck } from "../../suites/conformance/planned-check.js";
import { RACE_RUNS } from "../../suites/conformance/plan.js";
import { DEFAULT_SILENCE_MS, runMatrix } from "../../suites/conformance/run.js";
import {
  filterChecks,
  parseShard,
  shardChecks,
  suiteChecks,
} from "../../suites/conformance/select.js";
import { labelXens, provideXens } from "../../suites/conformance/xens.js";
import { createProgress, type Progress } from "../../base/progress.js";
import { plural } from "../../base/text.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import {
  MATRIX_OUTPUT_FILE,
  MATRIX_REPORTER,
  matrixOutputs,
  writeReport,
} from "../matrix-outputs.js";
import * as option from "../options.js";
import { checkOutputs } from "../outputs.js";
import { checkXenChoice, chooseXen } from "../xen-choice.js";
import { given } from "../../base/given.js";

export interface ConformOptions extends CommonOptions {
  xen?: string[];
  on: Way[];
  suite?: string[];
  filter?: string[];
  shard?: Shard;
  list?: true;
  jobs?: number;
  silence: number;
  raceFor?: number;
  knownFaults: boolean;
  boot: BootStart;
  hypercall: "direct" | "page" | "alternate";
  coverage?: string;
  coverageOf?: string[];
  reporter?: string[];
  outputFile?: string[];
}

const EXIT_CODES =
  exitCodesText(`  0    every check passed (a skipped one does not count; a version that
       Debian's mirror no longer has counts only if --xen names it)
  1    a check failed, or a control stayed green
  122  trouble on this machine: a version was not available, or QEMU did not
       run
  123  bad usage, or reports that do not fit together
  If several apply: 122, then 1.`);

export function addConform(program: Command, context: Context): void {
  program
    .command("conform")
    .summary("check what a soft reset does, on several versions of Xen")
    .description(
      "Runs the soft reset conformance checks: each in a domain of its own, created and reset by xenlet's toolstack, " +
        "and again as a control without the reset, in which it must fail. The result is a matrix of " +
        "checks by versions of Xen. Known differences between versions are expected; an unknown one is a failure.",
    )
    .addOption(
      new Option(
        "--xen <version|path>",
        `Xen: a version packaged by Debian, or the path of a hypervisor; repeatable (default: ${XEN_RELEASES.join(", ")})`,
      ).argParser(append),
    )
    .addOption(
      new Option(
        "--on <ways>",
        "what runs the checks' domains: xenlet's toolstack (domu), or stock xl in Debian's dom0 (xl: PVH, reset by a preloaded library; xl-hvm: reset by xl itself); comma-separated",
      )
        .argParser(ways)
        .default(["domu"], "domu"),
    )
    .addOption(
      new Option(
        "--suite <names>",
        "which checks: reset, endurance, …, or all (--list --suite all shows them); comma-separated (default: reset; with --filter: all)",
      ).argParser((text) => text.split(",")),
    )
    .addOption(option.FILTER("checks"))
    .addOption(
      new Option(
        "--shard <I/N>",
        "run only the I-th of N parts; `xenlet report merge` merges their JSON",
      ).argParser(shard),
    )
    .option("--list", "list the checks instead of running them")
    .addOption(option.BOOT_COLD())
    .addOption(option.JOBS())
    .addOption(
      new Option("--silence <seconds>", "end a boot that has printed nothing for this long")
        .argParser(option.seconds)
        .default(DEFAULT_SILENCE_MS, String(DEFAULT_SILENCE_MS / 1000)),
    )
    .addOption(
      new Option(
        "--race-for <seconds>",
        "how long each pair of the races suite runs (default: 0.6), with a count of each outcome",
      ).argParser(option.seconds),
    )
    .addOption(
      new Option(
        "--known-faults <on|off>",
        "whether checks of faults that this Xen is known to have are skipped, with what was observed (on), or fail like any other (off)",
      )
        .argParser(onOff)
        .default(true, "on"),
    )
    .addOption(
      new Option(
        "--hypercall <how>",
        "how dom0 and its domains enter Xen: by the instruction (direct), through Xen's hypercall page (page), or through the page on every second version (alternate)",
      )
        .choices(["direct", "page", "alternate"])
        .default("direct"),
    )
    .option(
      "--coverage <directory>",
      "write which basic blocks of Xen's functions the checks executed, and which they never did, for each version (domu only)",
    )
    .addOption(
      new Option(
        "--coverage-of <functions>",
        `the functions, comma-separated; * at either end is a wildcard (default: ${COVERED.join(", ")})`,
      ).argParser((text) => text.split(",")),
    )
    .addOption(MATRIX_REPORTER())
    .addOption(MATRIX_OUTPUT_FILE())
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .addHelpText("after", EXIT_CODES)
    .action((options: ConformOptions) => conform(options, context));
}

function append(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function onOff(text: string): boolean {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError("Expected on or off.");
  return text === "on";
}

function shard(text: string): Shard {
  const parsed = parseShard(text);
  if (parsed === null) throw new InvalidArgumentError("Expected I/N with 1 <= I <= N, as in 2/3.");
  return parsed;
}

function ways(text: string): Way[] {
  const wanted = text.split(",").map((word) => {
    const way = WAYS.find((known) => known === word);
    if (way === undefined)
      throw new InvalidArgumentError(`Expected one or more of ${WAYS.join(", ")}.`);
    return way;
  });
  return [...new Set(wanted)];
}

async function conform(options: ConformOptions, context: Context): Promise<void> {
  refusePassedOn(context, "conform");
  const outputs = matrixOutputs(options);
  const { signal } = context;
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  const [first = "domu", ...others] = options.on;
  /** Files of Xen that are entered through the page. */
  const byPage = new Set<string>();
  const hypercall: HypercallChoice = {
    modes: options.hypercall === "alternate" ? ["direct", "page"] : [options.hypercall],
    of: ({ path }) => (byPage.has(path) ? "page" : "direct"),
  };
  const shared = {
    progress,
    signal,
    hypercall,
    boot: options.boot,
    ...given({ raceMs: options.raceFor }),
  };
  const coverage = await beginCoverage(options);
  const trace = coverage === null ? {} : { trace: (xen: XenBinary) => coverage.boot(xen) };
  const backend = await createBackend({ on: first, ...shared, ...trace });
  const plan = await backend.plan();
  const filters = options.filter ?? [];
  const selected = filterChecks(suiteChecks(plan, options.suite, filters.length > 0), filters);
  const checks = options.shard === undefined ? selected : shardChecks(selected, options.shard);
  if (options.list === true) {
    list(checks, options, context);
    return;
  }
  await checkOutputs(outputs);
  for (const choice of options.xen ?? []) await checkXenChoice(choice, signal);
  await checkPlaces();
  await backend.prepare?.();

  const began = new Date().toISOString();
  const start = performance.now();
  const choices = labelXens(options.xen ?? releasesFor(options.on));
  const { xens: provided, unavailable } = await provideXens(choices, {
    provide: (text) => chooseXen(text, progress, signal),
    named: options.xen !== undefined,
    say: (line) => {
      context.say(`xenlet: ${line}`);
    },
    signal,
  });
  const xens = provided.map(({ label, xen }, at) => {
    if (options.hypercall === "direct" || (options.hypercall === "alternate" && at % 2 === 0))
      return { label, xen };
    byPage.add(xen.path);
    return { label: `${label} page`, xen };
  });
  const shown = new Shown(progress, checks.length * xens.length * options.on.length);
  let report: Report;
  try {
    const runs: Run[] = [];
    const runWay = async (on: Way, by: ConformanceBackend): Promise<void> => {
      const made = await runMatrix({
        backend: by,
        on,
        xens: xens.map(({ label, xen }) => ({ label: labelOn(on, label), xen })),
        plan,
        checks,
        table: { ...expectationsOn(on, plan), ...(options.knownFaults ? {} : { faults: [] }) },
        jobs: options.jobs ?? availableParallelism(),
        repeatFailed: true,
        silenceMs:
          on === "domu"
            ? options.silence + RACE_RUNS * (options.raceFor ?? 0)
            : Math.max(options.silence, XL_SILENCE_MS),
        signal,
        onCheck: (label, name) => {
          shown.check(label, name);
        },
        onRun: (run) => {
          const { passed, failed, skipped } = countRuns([run]);
          progress.note(`${nameRun(run)}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
        },
      });
      runs.push(...made);
    };
    await runWay(first, backend);
    for (const on of others) await runWay(on, await createBackend({ on, ...shared }));
    report = {
      runs,
      unavailable,
      selected: selected.map(({ name }) => name),
      shard: options.shard ?? null,
      began,
      durationMs: performance.now() - start,
    };
  } finally {
    shown.close();
  }
  await writeReport(report, outputs, context);
  if (coverage !== null)
    for (const { label, xen } of xens)
      context.say(await coverage.write(label, xen, { on: first, progress, signal, hypercall }));
  context.exitWith(exitCodeOfReport(report));
}

/** Null: none is asked for. */
async function beginCoverage({
  coverage,
  coverageOf,
  on,
}: ConformOptions): Promise<Coverage | null> {
  const usage = { exitCode: ExitCode.USAGE };
  if (coverage === undefined) {
    if (coverageOf !== undefined) throw new UserError("--coverage-of needs --coverage", usage);
    return null;
  }
  if (on.some((way) => way !== "domu"))
    throw new UserError(
      "--coverage is for --on domu: under xl, most of what Xen executes is caused by Linux",
      usage,
    );
  const odd = coverageOf?.find((name) => !/^\*?\w+\*?$/.test(name));
  if (odd !== undefined)
    throw new UserError(
      `--coverage-of ${JSON.stringify(odd)}: expected the name of a function`,
      usage,
    );
  return Coverage.begin(coverage, coverageOf ?? COVERED);
}

/** A domain under xl is reset in seconds, several times, and prints nothing until it has ended. */
const XL_SILENCE_MS = 300_000;

/** The default versions: for xl, those whose dom0 is known to work. */
function releasesFor(on: readonly Way[]): string[] {
  return on.includes("domu") ? [] : ["4.17", "4.20"];
}

/** A report's columns have names of their own. */
function labelOn(on: Way, label: string): string {
  return on === "domu" ? label : `${label} ${on}`;
}

function list(checks: readonly PlannedCheck[], options: ConformOptions, context: Context): void {
  if (options.reporter !== undefined || options.outputFile !== undefined)
    throw new UserError("--list writes no report: it takes --json, but no reporter", {
      exitCode: ExitCode.USAGE,
    });
  if (options.json === true)
    context.printJson(
      checks.map(({ name, title, area, suite, control }) => ({
        name,
        title,
        area,
        suite,
        control,
      })),
    );
  else for (const { name, title } of checks) context.print(`${name}\t${title}`);
}

/** How far it is, on one line of the terminal. */
class Shown {
  readonly #done = new Set<string>();

  constructor(
    private readonly progress: Progress,
    private readonly total: number,
  ) {
    progress.start(`running ${plural(total, "check")}`);
  }

  check(label: string, name: string): void {
    this.#done.add(`${label} ${name}`);
    this.progress.update(`${this.#done.size} of ${this.total}: ${name} on Xen ${label}`);
  }

  close(): void {
    this.progress.done(`${this.#done.size} of ${plural(this.total, "check")} ran`);
  }
}
