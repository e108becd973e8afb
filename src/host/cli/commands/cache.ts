import type { Command } from "commander";
import { ExitCode } from "../../base/exit-codes.js";
import { listCache, pruneCache, verifyCache } from "../../debian/index.js";
import { createProgress } from "../../base/progress.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import { listLeftovers, pruneLeftovers } from "../leftovers.js";
import * as option from "../options.js";

export function addCache(program: Command, context: Context): void {
  const cache = program
    .command("cache")
    .summary("list, verify or prune what was downloaded and built")
    .description(
      "The cache is in XENLET_CACHE, else in XDG_CACHE_HOME/xenlet, else in ~/.cache/xenlet.",
    );
  cache
    .command("list")
    .summary("say what is in it")
    .description("Shows what is in the cache, with the exact versions of Debian's packages.")
    .addOption(option.JSON_OUTPUT())
    .action((options: CommonOptions) => list(options, context));
  cache
    .command("verify")
    .summary("check every file against its checksum")
    .description("Reads everything that was unpacked, and compares it with what was downloaded.")
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .action((options: CommonOptions) => verify(options, context));
  cache
    .command("prune")
    .summary("remove what can be spared")
    .description(
      "Removes package lists, compiled objects, logs, kept images, and whatever is damaged.\n" +
        "With --all, Xen and QEMU as well: the next run downloads them again.",
    )
    .option("--all", "everything")
    .addOption(option.JSON_OUTPUT())
    .action((options: CommonOptions & { all?: true }) => prune(options, context));
}

const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

async function list(options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "cache list");
  const [{ root, bytes, entries }, leftovers] = await Promise.all([listCache(), listLeftovers()]);
  const total = leftovers.reduce((sum, one) => sum + one.bytes, bytes);
  if (options.json === true) {
    context.printJson({ root, bytes: total, entries, leftovers });
    return;
  }
  context.print(`${root}: ${size(total)}`);
  for (const entry of entries) {
    const trouble = entry.damage === null ? "" : ` DAMAGED: ${entry.damage}`;
    context.print(`  ${size(entry.bytes).padStart(10)}  ${entry.kind} ${entry.name}${trouble}`);
    for (const { name, version } of entry.packages)
      context.print(`${" ".repeat(14)}${name} ${version}`);
  }
  for (const { name, bytes: held, files } of leftovers)
    context.print(`  ${size(held).padStart(10)}  ${name} (${files})`);
}

async function verify(options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "cache verify");
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  progress.start("verifying the cache");
  const report = await verifyCache({ signal: context.signal });
  if (report.ok) progress.done("verified the cache");
  else progress.fail("the cache is damaged");
  if (options.json === true) context.printJson(report);
  else
    for (const { name, files, problems } of report.entries) {
      context.print(
        `${name}: ${problems.length === 0 ? `${files} files, all as they should be` : "DAMAGED"}`,
      );
      for (const one of problems)
        context.print(
          `  ${one.path}: ${one.problem}, expected ${one.expected}, found ${one.found}`,
        );
    }
  if (!report.ok && options.json !== true)
    context.say(
      "  try: xenlet cache prune (what is damaged is downloaded again when it is needed)",
    );
  context.exitWith(report.ok ? ExitCode.OK : ExitCode.HOST);
}

async function prune(options: CommonOptions & { all?: true }, context: Context): Promise<void> {
  refusePassedOn(context, "cache prune");
  const report = await pruneCache({ all: options.all === true, signal: context.signal });
  const leftovers = await pruneLeftovers();
  const bytes = leftovers.reduce((sum, one) => sum + one.bytes, report.bytes);
  const removed = [...report.removed, ...leftovers.map((one) => one.name)];
  if (options.json === true) context.printJson({ ...report, bytes, removed });
  else {
    for (const name of removed) context.print(`removed ${name}`);
    for (const name of report.kept) context.print(`kept    ${name}`);
    context.print(`${size(bytes)} freed`);
  }
}
