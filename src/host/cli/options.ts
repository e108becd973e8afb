/** Values of options, read strictly: for an invalid value, the message says what was expected. */
import { InvalidArgumentError, Option } from "commander";
import { CPU_LEVELS } from "../base/cpu-level.js";
import {
  BOOT_STARTS,
  ON_SOFT_RESET as SOFT_RESET_ACTIONS,
  RECORDS_BY,
  WAYS,
} from "../boot/boot.js";
import { SHUTDOWN_REASONS } from "../boot/expectation.js";
import { EMITTED_STAGES } from "../build/emit.js";
import {
  DEFAULT_MEMORY_MIB,
  MAX_MEMORY_MIB,
  MAX_PCPUS,
  MAX_VCPUS,
  MIN_MEMORY_MIB,
} from "../boot/qemu.js";
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from "../boot/stages.js";
import { DEFAULT_TEST_TIMEOUT_MS } from "../suites/guest-tests/run-file.js";

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`Expected a whole number of ${least}..${most}.`);
    return value;
  };
}

function memory(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,9})([MG]?)$/i.exec(text) ?? [];
  const value = digits === "" ? NaN : Number(digits) * (unit.toUpperCase() === "G" ? 1024 : 1);
  if (!(value >= MIN_MEMORY_MIB && value <= MAX_MEMORY_MIB))
    throw new InvalidArgumentError(
      `Expected MiB, ${MIN_MEMORY_MIB}..${MAX_MEMORY_MIB}, as in 256, 256M or 1G.`,
    );
  return value;
}

/** Seconds, to milliseconds. */
export function seconds(text: string): number {
  const ms = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1000) : NaN;
  if (!(ms >= 1 && ms <= MAX_TIMEOUT_MS))
    throw new InvalidArgumentError(
      `Expected seconds, 0.001..${Math.floor(MAX_TIMEOUT_MS / 1000)}.`,
    );
  return ms;
}

/** For options that may be given more than once. */
function append(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

export const XEN = (): Option =>
  new Option(
    "--xen <version|path>",
    "Xen: a version packaged by Debian, or the path of a hypervisor or of a tree that Xen was built in",
  ).default("4.17");
export const MEM = (): Option =>
  new Option("--mem <MiB>", "the guest's memory").argParser(memory).default(DEFAULT_MEMORY_MIB);
export const ON = (): Option =>
  new Option(
    "--on <way>",
    "where the guest runs: in a domain of xenlet's own toolstack (domu) or of stock xl in Debian's dom0 (xl: PVH, xl-hvm: HVM with a device model), or as Xen's first domain (dom0)",
  )
    .choices([...WAYS])
    .default("domu");
export const VCPUS = (): Option =>
  new Option("--vcpus <n>", "the guest's vCPUs").argParser(wholeNumber(1, MAX_VCPUS)).default(1);
export const PCPUS = (): Option =>
  new Option(
    "--pcpus <n>",
    "the machine's physical CPUs, as Xen sees them (default: one, or two if the guest has several vCPUs)",
  ).argParser(wholeNumber(1, MAX_PCPUS));
const BOOT_TEXT =
  "cold: boot the machine from the beginning; restored: continue from a saved state in which Xen is running";
export const BOOT = (): Option =>
  new Option("--boot <how>", `${BOOT_TEXT} (default: restored where possible)`).choices(
    BOOT_STARTS,
  );
/** For a command that boots cold by default. */
export const BOOT_COLD = (): Option =>
  new Option("--boot <how>", BOOT_TEXT).choices(BOOT_STARTS).default("cold");
export const TIMEOUT = (): Option =>
  new Option("--timeout <seconds>", "time limit for the guest's own code")
    .argParser(seconds)
    .default(DEFAULT_TIMEOUT_MS, String(DEFAULT_TIMEOUT_MS / 1000));
export const TEST_TIMEOUT = (): Option =>
  new Option("--test-timeout <seconds>", "time limit for one test")
    .argParser(seconds)
    .default(DEFAULT_TEST_TIMEOUT_MS, String(DEFAULT_TEST_TIMEOUT_MS / 1000));
/** `what`: "tests" or "checks". */
export const FILTER = (what: string): Option =>
  new Option(
    "-t, --filter <text>",
    `run only ${what} whose name contains this text (* is a wildcard); repeatable`,
  ).argParser(append);
export const BAIL = (): Option =>
  new Option("--bail [n]", "stop after this many failed tests (without a number: 1)").argParser(
    wholeNumber(1, 1_000_000),
  );
export const JOBS = (): Option =>
  new Option(
    "-j, --jobs <n>",
    "how many guests to run at a time (default: one per core)",
  ).argParser(wholeNumber(1, 256));
/** `names`: all reporters of the command. */
export const reporterOf = (names: readonly string[]): Option =>
  new Option(
    "--reporter <name>",
    `${names.slice(0, -1).join(", ")} or ${names.at(-1) ?? ""}; repeatable (default: terminal)`,
  ).argParser(append);
export const REPORTER = (): Option =>
  reporterOf(["terminal", "tap", "junit", "json", "html", "github"]);
export const OUTPUT_FILE = (): Option =>
  new Option(
    "--output-file <[reporter=]file>",
    "write a reporter's output to this file instead of stdout; repeatable",
  ).argParser(append);
export const GDB = (): Option =>
  new Option(
    "--gdb <port>",
    "wait for gdb on this port before anything runs; disables deadlines",
  ).argParser(wholeNumber(1, 65_535));
export const MODULE = (): Option =>
  new Option(
    "--module <file>",
    "pass this file to the guest as a boot module; repeatable",
  ).argParser(append);
export const ON_SOFT_RESET = (): Option =>
  new Option(
    "--on-soft-reset <action>",
    "what the toolstack does on a soft-reset request: reset the domain (default), resume it without a reset, or destroy it",
  ).choices(SOFT_RESET_ACTIONS);
export const EXPECT = (): Option =>
  new Option(
    "--expect <text>",
    "for a guest that does not report a result: exit with 0 once it prints a line that contains this text",
  ).argParser((text: string) => {
    if (!/^[ -~]+$/.test(text)) throw new InvalidArgumentError("Expected printable ASCII text.");
    return text;
  });
export const EXPECT_SHUTDOWN = (): Option =>
  new Option(
    "--expect-shutdown <reason>",
    `exit with 0 if the guest's domain ends for this reason: ${Object.keys(SHUTDOWN_REASONS).join(", ")} or a number`,
  ).argParser((text: string) => {
    const known = Object.hasOwn(SHUTDOWN_REASONS, text) ? SHUTDOWN_REASONS[text] : undefined;
    const reason = known ?? (/^\d{1,3}$/.test(text) ? Number(text) : NaN);
    if (!(reason <= 255))
      throw new InvalidArgumentError(
        `Expected ${Object.keys(SHUTDOWN_REASONS).join(", ")} or a number of 0..255.`,
      );
    return reason;
  });
export const CMDLINE = (): Option =>
  new Option("--cmdline <text>", "Xen's command line for the guest");
export const ENV = (): Option =>
  new Option(
    "--env <name=value>",
    "set a variable in the guest's environment; repeatable",
  ).argParser((text: string, before: string[] | undefined) => {
    if (text.indexOf("=") < 1) throw new InvalidArgumentError("Expected NAME=VALUE.");
    return append(text, before);
  });
export const RECORDS = (): Option =>
  new Option(
    "--records <by>",
    "how a domain's text and records leave it: through its console ring (default), or through the debug port, for a guest that may crash Xen",
  ).choices(RECORDS_BY);
export const QEMU_ARG = (): Option =>
  new Option("--qemu-arg <argument>", "pass an additional argument to QEMU; repeatable").argParser(
    append,
  );
export const HYPERCALL = (): Option =>
  new Option(
    "--hypercall <how>",
    "how the guest enters Xen: by the instruction itself (direct) or through the hypercall page (default: direct)",
  ).choices(["direct", "page"]);
export const RUNTIME = (): Option =>
  new Option("--runtime <name>", "AssemblyScript's memory manager (default: incremental)").choices([
    "incremental",
    "minimal",
    "stub",
  ]);
export const NULL_PAGE = (): Option =>
  new Option(
    "--null-page <what>",
    "address 0: unmapped (trap) or ordinary memory (allow) (default: trap for FILE.ts, otherwise allow)",
  ).choices(["trap", "allow"]);
export const DEAD_LOADS = (): Option =>
  new Option(
    "--dead-loads <what>",
    "unused loads: keep them, since they may trap, or drop them (default: keep)",
  ).choices(["keep", "drop"]);
export const CPU = (): Option =>
  new Option(
    "--cpu <level>",
    "the x86-64 level that the guest is built for and that QEMU's CPU has; x86-64-v2 includes SSE4.1 and POPCNT (default: x86-64)",
  ).choices(CPU_LEVELS);
const LEAST_STACK = 2 ** 16;
const MOST_STACK = 2 ** 26;
const UNITS: Record<string, number> = { K: 2 ** 10, M: 2 ** 20 };
export const STACK = (): Option =>
  new Option("--stack <size>", "the guest's stack, 64K to 64M (default: 1M)").argParser(
    (text: string) => {
      const [, digits = "", unit = ""] = /^(\d{1,5})([KM])$/.exec(text.toUpperCase()) ?? [];
      const bytes = Number(digits) * (UNITS[unit] ?? 0);
      if (bytes < LEAST_STACK || bytes > MOST_STACK || bytes % LEAST_STACK !== 0)
        throw new InvalidArgumentError("Expected a multiple of 64K from 64K to 64M, as 8M.");
      return bytes;
    },
  );
export const DEBUG = (): Option =>
  new Option(
    "--debug",
    "build for gdb: not optimized, with local variables by name; several times slower",
  );
export const ALLOW_HYPERCALLS = (): Option =>
  new Option(
    "--allow-hypercalls",
    'allow FILE.wasm to import module "xen": it can then do anything that its domain can',
  );
export const EMIT = (): Option =>
  new Option(
    "--emit <stages>",
    `write these stages beside the image, to be read: ${EMITTED_STAGES.join(",")}`,
  ).argParser((text: string) =>
    text.split(",").map((word) => {
      const stage = EMITTED_STAGES.find((known) => known === word);
      if (stage === undefined)
        throw new InvalidArgumentError(`Expected one or more of ${EMITTED_STAGES.join(", ")}.`);
      return stage;
    }),
  );
export const TRANSFORM = (): Option =>
  // Not variadic: that would swallow the file after it.
  new Option("--transform <module>", "an asc transform; repeatable").argParser(append);
export const LOG = (): Option =>
  new Option(
    "--log <file>",
    "write the serial console's log to this file (default: a file in the cache)",
  );
export const CORE = (): Option =>
  new Option(
    "--core <file>",
    "if the guest crashes or times out, write its memory and registers to this file: an ELF core for gdb (domu and dom0)",
  );
export const JSON_OUTPUT = (): Option =>
  new Option("--json", "print one JSON document on stdout, and nothing else there");
export const WATCH = (): Option =>
  new Option(
    "-w, --watch",
    "run again whenever a file that it is built from changes; built with less optimization",
  );
export const QUIET = (): Option => new Option("-q, --quiet", "print no progress on stderr");
export const VERBOSE = (): Option =>
  new Option("-v, --verbose", "print Xen's own lines on stderr, too");
