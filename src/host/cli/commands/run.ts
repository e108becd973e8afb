import { Readable } from "node:stream";
import type { Command } from "commander";
import type { BootOptions } from "../../boot/boot.js";
import { exitCodesHelp } from "../../base/exit-codes.js";
import { bootSession, describeBoot, type SessionOptions } from "../boot-session.js";
import type { Context } from "../context.js";
import * as option from "../options.js";
import { refuseWith, watch } from "../watch.js";
import { describeRun, runDocument } from "../report.js";
import { given } from "../../base/given.js";

interface RunOptions extends SessionOptions {
  expect?: string;
  expectShutdown?: number;
  dryRun?: true;
  verbose?: true;
  watch?: true;
}

export function addRun(program: Command, context: Context): void {
  program
    .command("run")
    .summary("boot a guest on Xen and exit with its exit code")
    .description(
      "Boots a guest on Xen in QEMU, and exits with the guest's own exit code. " +
        "What the guest prints goes to stdout (console.error: stderr). FILE.ts or FILE.wasm is built first. " +
        "Arguments after -- are passed to the guest.",
    )
    .usage("[options] <FILE.ts|FILE.wasm|image.elf> [-- arguments]")
    .argument("<file>", "a guest's source (FILE.ts), Wasm module (FILE.wasm) or image")
    .addOption(option.XEN())
    .addOption(option.ON())
    .addOption(option.MEM())
    .addOption(option.VCPUS())
    .addOption(option.PCPUS())
    .addOption(option.BOOT())
    .addOption(option.TIMEOUT())
    .addOption(option.ENV())
    .addOption(option.CMDLINE())
    .addOption(option.MODULE())
    .addOption(option.ON_SOFT_RESET())
    .addOption(option.RECORDS())
    .addOption(option.EXPECT())
    .addOption(option.EXPECT_SHUTDOWN())
    .addOption(option.HYPERCALL())
    .addOption(option.TRANSFORM())
    .addOption(option.RUNTIME())
    .addOption(option.NULL_PAGE())
    .addOption(option.DEAD_LOADS())
    .addOption(option.CPU())
    .addOption(option.STACK())
    .addOption(option.DEBUG())
    .addOption(option.ALLOW_HYPERCALLS())
    .addOption(option.GDB())
    .addOption(option.QEMU_ARG())
    .addOption(option.LOG())
    .addOption(option.CORE())
    .addOption(option.WATCH())
    .option("--force", "boot an image even if Xen does not seem able to load it")
    .option("--dry-run", "print QEMU's command instead of running it")
    .addOption(option.JSON_OUTPUT())
    .addOption(option.VERBOSE())
    .addOption(option.QUIET())
    .addHelpText("after", exitCodesHelp(["guest", 120, 121, 122, 123, 124, 125]))
    .action((file: string, options: RunOptions) => run(file, options, context));
}

function expectationOf({ expect, expectShutdown }: RunOptions): Pick<BootOptions, "expect"> {
  if (expect === undefined && expectShutdown === undefined) return {};
  return {
    expect: {
      ...given({ text: expect, shutdown: expectShutdown }),
    },
  };
}

const RUNS_ONCE = { dryRun: "--dry-run", json: "--json", gdb: "--gdb" };

async function run(file: string, options: RunOptions, context: Context): Promise<void> {
  if (options.watch === true) {
    refuseWith({ ...options }, RUNS_ONCE);
    return watch(context, ({ context: once, reads }) => runOnce(file, options, once, reads));
  }
  return runOnce(file, options, context);
}

async function runOnce(
  file: string,
  options: RunOptions,
  context: Context,
  reads?: (files: Iterable<string>) => void,
): Promise<void> {
  if (options.dryRun === true) {
    const { command, argv, image } = await describeBoot(file, options, context);
    if (options.json === true) context.printJson({ command, argv, image });
    else context.print(command);
    return;
  }
  const { result, image, qemu } = await bootSession(
    file,
    options,
    context,
    {
      onOutput: (bytes, stream) => {
        context.write(bytes, options.json === true ? "stderr" : stream);
      },
      onConsole: (line, stream) => {
        if (stream !== "port") return;
        if (options.json === true) context.say(line);
        else context.print(line);
      },
      onXenLine: (line) => {
        if (options.verbose === true) context.say(line);
      },
    },
    () => ({
      ...expectationOf(options),
      // What the terminal says is for one guest, and not for each that follows it.
      ...(reads === undefined ? {} : { input: () => Readable.from([]) }),
    }),
    reads,
  );
  if (options.json === true)
    context.printJson(runDocument(result, { image: image.path, build: image.build, qemu }));
  if (options.quiet !== true || result.verdict !== "exit")
    for (const line of describeRun(result, options.verbose === true, { file, image }))
      context.say(line);
  context.exitWith(result.exitCode);
}
