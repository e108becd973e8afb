/** One test file: built, booted, and what its tests came to. */
import path from "node:path";
import { UserError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { buildImage, type BuildOptions, type BuildResult } from "../../build/build.js";
import { temporaryFolder } from "../../cache/temporary.js";
import { bootGuest, type BootOptions, type BootResult } from "../../boot/boot.js";
import { backtraceTexts } from "../../protocol/trap.js";
import { DEFAULT_TIMEOUT_MS } from "../../boot/stages.js";
import { TestCollector, type Ending } from "./collector.js";
import type { FileResult, Problem, TestResult } from "./model.js";
import { readSettings } from "./settings.js";
import { given } from "../../base/given.js";
import { formatMs } from "../../base/text.js";

export const DEFAULT_TEST_TIMEOUT_MS = 20_000;

/** What a file's boot takes over from bootGuest(). */
type TestBoot = Pick<
  BootOptions,
  | "xen"
  | "qemu"
  | "on"
  | "memoryMiB"
  | "vcpus"
  | "pcpus"
  | "boot"
  | "timeoutMs"
  | "cmdline"
  | "modules"
  | "signal"
  | "onNote"
>;
/** And from buildImage(). */
type TestBuild = Pick<BuildOptions, "hypercall" | "transforms" | "optimize">;

/**
 * How test files are built and booted; a file's own settings replace these. `timeoutMs` is for all tests of a file
 * together; the default is DEFAULT_TIMEOUT_MS.
 */
export interface TestOptions extends TestBoot, TestBuild {
  /** For a single test. Default: DEFAULT_TEST_TIMEOUT_MS. */
  testTimeoutMs?: number;
  /** Only tests whose names, with their groups' before them, have this in them, or fit it where it has a `*`. */
  filters?: string[];
  /** A file with a test.only() or group.only() fails. */
  forbidOnly?: boolean;
  /** Called for each test that has failed; if it returns true, no more is run of this file. */
  onFailure?(): boolean;
  onStage?(file: string, what: string): void;
  /** The files that `file` is built from, absolute, as soon as they are known; some need not exist. */
  onSources?(file: string, sources: string[]): void;
}

/** Rejects only when `signal` is aborted: whatever else can go wrong is in the result. */
export async function runTestFile(file: string, options: TestOptions): Promise<FileResult> {
  const result: FileResult = {
    file,
    children: [],
    problem: null,
    output: [],
    durationMs: 0,
    buildMs: 0,
    log: null,
  };
  const { path: folder, dispose } = await temporaryFolder("test");
  try {
    const settings = await readSettings(file);
    options.onStage?.(file, "building");
    const build = await buildImage({
      entry: file,
      output: path.join(folder, `${path.basename(file, ".ts")}.elf`),
      ...given({
        hypercall: options.hypercall,
        transforms: options.transforms,
        optimize: options.optimize,
        signal: options.signal,
      }),
      onSources: (sources) => {
        options.onSources?.(file, sources);
      },
    });
    result.buildMs = build.stages.reduce((sum, { ms }) => sum + ms, 0);
    if (options.forbidOnly === true) refuseOnly(build, file);
    await runTests(build, { ...options, ...settings }, result);
  } catch (error) {
    options.signal?.throwIfAborted();
    result.problem = problemOf(error);
  } finally {
    await dispose();
  }
  return result;
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof UserError)) throw error;
  const [message = "", ...details] = error.message.split("\n").filter((line) => line !== "");
  if (error.hint !== undefined) details.push(`try: ${error.hint}`);
  const kind =
    error.exitCode === ExitCode.BUILD_FAILED
      ? "build"
      : error.exitCode === ExitCode.HOST
        ? "host"
        : "input";
  return { kind, message, details };
}

function refuseOnly({ tests }: BuildResult, file: string): void {
  const only = tests.find((site) => site.only === true);
  if (only === undefined) return;
  const place = `${path.join(path.dirname(file), only.file)}:${only.line}`;
  throw new UserError(`${only.kind}.only() is forbidden here (--forbid-only): ${place}`);
}

/** What tells the guest which tests to run (src/guest/xenlet/test.ts). */
function selection({ tests }: BuildResult, filters: string[], told: number): string[] {
  return [
    ...(filters.length === 0 ? [] : [`XENLET_TEST_FILTER=${filters.join("\n")}`]),
    ...(tests.some(({ only }) => only === true) ? ["XENLET_TEST_ONLY=1"] : []),
    ...(told === 0 ? [] : [`XENLET_TEST_FROM=${told}`]),
  ];
}

/** A test that takes too long ends the boot. */
class TestTimeout extends Error {}
/** As many tests have failed as may. */
class Bail extends Error {}

async function runTests(
  build: BuildResult,
  options: TestOptions,
  result: FileResult,
): Promise<void> {
  const { file } = result;
  const { signal, testTimeoutMs = DEFAULT_TEST_TIMEOUT_MS } = options;
  const collector = new TestCollector(file, build.tests);
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort(signal?.reason);
  };
  signal?.addEventListener("abort", abort);
  if (signal?.aborted === true) abort();
  let deadline: NodeJS.Timeout | undefined;
  const watch = (test: TestResult | null): void => {
    clearTimeout(deadline);
    if (test === null) return;
    options.onStage?.(file, [...test.groups, test.name].join(" › "));
    deadline = setTimeout(() => {
      stop.abort(new TestTimeout(`the test did not end within ${formatMs(testTimeoutMs)}`));
    }, testTimeoutMs);
  };
  const bootOnce = async (): Promise<BootResult> => {
    options.onStage?.(file, "booting");
    const boot: BootOptions = {
      image: build.image,
      xen: options.xen,
      qemu: options.qemu,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      on: options.on ?? "domu",
      environment: selection(build, options.filters ?? [], collector.told),
      ...given({
        cmdline: options.cmdline,
        modules: options.modules,
        memoryMiB: options.memoryMiB,
        vcpus: options.vcpus,
        pcpus: options.pcpus,
        boot: options.on === "dom0" ? undefined : options.boot,
      }),
      signal: stop.signal,
      onNote: (text) => {
        options.onNote?.(text);
      },
      onLog: (log) => {
        result.log = log;
      },
      onRecord: (record) => {
        const before = collector.running;
        if (collector.record(record) === null) return;
        watch(collector.running);
        if (before?.status === "failed" && options.onFailure?.() === true)
          stop.abort(new Bail("not run: enough tests have failed (--bail)"));
      },
    };
    return bootGuest(boot);
  };
  const start = performance.now();
  let ending: Ending;
  try {
    let boot = await bootOnce();
    // A test that is to end in a trap ends its boot; the next boot continues after it.
    while (boot.trap !== null && collector.takeTrap(boot.trap.kind)) {
      watch(null);
      boot = await bootOnce();
    }
    ending = endingOf(boot);
    if (collector.running !== null) options.onFailure?.();
  } catch (error) {
    if (error instanceof Bail)
      ending = { how: "bail", message: error.message, guestCode: null, frames: [] };
    else if (error instanceof TestTimeout) {
      ending = { how: "timeout", message: error.message, guestCode: null, frames: [] };
      options.onFailure?.();
    } else throw error;
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", abort);
    result.durationMs = performance.now() - start;
  }
  Object.assign(result, collector.end(ending));
}

function endingOf(boot: BootResult): Ending {
  return {
    how: boot.verdict,
    message: boot.message,
    guestCode: boot.guestCode,
    frames: backtraceTexts(boot.trap?.frames ?? []),
  };
}
