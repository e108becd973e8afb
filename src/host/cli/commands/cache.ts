import type { Command } from "commander";
import { ExitCode, exitCodesHelp } from "../../base/exit-codes.js";
import { createProgress } from "../../base/progress.js";
import { describeProblem } from "../../cache/contents.js";
import { listCache, pruneCache, verifyCache } from "../../cache/survey.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import * as option from "../options.js";

const EXIT_CODES = exitCodesHelp(["ok", 122, 123]);

export function addCache(program: Command, context: Context): void {
  const cache = program
    .command("cache")
    .summary("list, verify or prune downloads and build results")
    .description(
      "The cache is in XENLET_CACHE if set, otherwise in XDG_CACHE_HOME/xenlet or ~/.cache/xenlet.",
    );
  cache
    .command("list")
    .summary("list the contents of the cache")
    .description(
      "Shows everything below the cache's folder, by kind, with the exact versions of Debian's packages; " +
        "the sizes add up to what du counts.",
    )
    .addOption(option.JSON_OUTPUT())
    .addHelpText("after", EXIT_CODES)
    .action((options: CommonOptions) => list(options, context));
  cache
    .command("verify")
    .summary("check every file against its checksum")
    .description(
      "Reads every file that was downloaded or built, and compares it with the checksum recorded then.",
    )
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .addHelpText("after", EXIT_CODES)
    .action((options: CommonOptions) => verify(options, context));
  cache
    .command("prune")
    .summary("remove entries that are cheap to recreate")
    .description(
      "Removes package lists, build results, logs, kept images, and damaged entries. " +
        "With --all, removes everything, including Xen and QEMU: the next run downloads them again.",
    )
    .option("--all", "remove everything")
    .addOption(option.JSON_OUTPUT())
    .addHelpText("after", EXIT_CODES)
    .action((options: CommonOptions & { all?: true }) => prune(options, context));
}

const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const column = (bytes: number): string => size(bytes).padStart(12);

async function list(options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "cache list");
  const report = await listCache();
  if (options.json === true) {
    context.printJson(report);
    return;
  }
  context.print(`${report.root}: ${size(report.bytes)}`);
  for (const [kind, entries] of byKind(report.entries)) {
    const bytes = entries.reduce((sum, one) => sum + one.bytes, 0);
    // Of what has no name that a person would know, one line tells enough.
    const named = entries.some(({ packages, damage }) => packages.length > 0 || damage !== null);
    if (entries.length > 1 || !named)
      context.print(`${column(bytes)}  ${kind}${kind === "upkeep" ? "" : ` (${entries.length})`}`);
    if (!named) continue;
    for (const entry of entries) {
      const trouble = entry.damage === null ? "" : ` DAMAGED: ${entry.damage}`;
      context.print(`${column(entry.bytes)}    ${kind} ${entry.name}${trouble}`);
      for (const { name, version } of entry.packages)
        context.print(`${" ".repeat(18)}${name} ${version}`);
    }
  }
}

function byKind<T extends { kind: string }>(entries: readonly T[]): Map<string, T[]> {
  const kinds = new Map<string, T[]>();
  for (const entry of entries) kinds.set(entry.kind, [...(kinds.get(entry.kind) ?? []), entry]);
  return kinds;
}

async function verify(options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "cache verify");
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  progress.start("verifying the cache");
  const report = await verifyCache({
    signal: context.signal,
    onEntry: (name) => {
      progress.update(`verifying the cache: ${name}`);
    },
  });
  if (report.ok) progress.done("verified the cache");
  else progress.fail("the cache is damaged");
  if (options.json === true) context.printJson(report);
  else
    for (const [kind, entries] of byKind(report.entries)) {
      const files = entries.reduce((sum, one) => sum + one.files, 0);
      const damaged = entries.filter(({ problems }) => problems.length > 0);
      const state = damaged.length === 0 ? "intact" : `${damaged.length} DAMAGED`;
      context.print(`${kind} (${entries.length}): ${files} files, ${state}`);
      for (const { name, problems } of damaged)
        for (const problem of problems) context.print(`  ${name}: ${describeProblem(problem)}`);
    }
  if (!report.ok && options.json !== true)
    context.say(
      "  try: xenlet cache prune (removes damaged entries; they are recreated when needed)",
    );
  context.exitWith(report.ok ? ExitCode.OK : ExitCode.HOST);
}

async function prune(options: CommonOptions & { all?: true }, context: Context): Promise<void> {
  refusePassedOn(context, "cache prune");
  const report = await pruneCache({ all: options.all === true, signal: context.signal });
  if (options.json === true) {
    context.printJson(report);
    return;
  }
  for (const [kind, entries] of byKind(report.removed))
    context.print(
      entries.length > 3
        ? `removed ${kind} (${entries.length})`
        : entries.map(({ name }) => `removed ${kind}: ${name}`).join("\n"),
    );
  for (const { kind, name, why } of report.kept) context.print(`kept    ${kind}: ${name} (${why})`);
  context.print(`${size(report.bytes)} freed`);
}
