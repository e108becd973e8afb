import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../../base/errors.js";
import { exitCodesHelp } from "../../base/exit-codes.js";
import type { EmittedStage } from "../../build/emit.js";
import { checkCommandLine } from "../../boot/qemu.js";
import { checkPlaces } from "../places.js";
import { createProgress } from "../../base/progress.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import {
  buildWithProgress,
  checkReadable,
  isSource,
  refuseChoices,
  type BuildChoices,
} from "../guest-image.js";
import * as option from "../options.js";
import { checkOutput } from "../outputs.js";
import { given } from "../../base/given.js";

interface BuildCommandOptions extends CommonOptions, BuildChoices {
  output?: string;
  strip?: true;
  keep?: string;
  emit?: EmittedStage[];
  cache: boolean;
  cmdline?: string;
}

export function addBuild(program: Command, context: Context): void {
  program
    .command("build")
    .summary("build a guest's image")
    .description(
      "Compiles an AssemblyScript file to Wasm, lowers it to native code, and links a PVH image. " +
        "An asconfig.json beside the file is honoured. A Wasm module of any other origin is lowered unchanged.",
    )
    .argument("<FILE.ts|FILE.wasm>", "the guest's source or Wasm module")
    .option(
      "-o, --output <image.elf>",
      "write the image to this file (default: FILE.elf beside the source)",
    )
    .addOption(option.HYPERCALL())
    .addOption(option.TRANSFORM())
    .addOption(option.RUNTIME())
    .addOption(option.NULL_PAGE())
    .addOption(option.DEAD_LOADS())
    .addOption(option.CPU())
    .addOption(option.STACK())
    .addOption(option.DEBUG())
    .addOption(option.ALLOW_HYPERCALLS())
    .addOption(option.EMIT())
    .option(
      "--cmdline <text>",
      "the guest's command line if its loader provides none, as in a domain of type hvm under xl",
    )
    .option("--strip", "leave out symbols: smaller, but backtraces show addresses only")
    .option("--keep <folder>", "keep the intermediate files (Wasm, C, objects) in this folder")
    .option("--no-cache", "run every stage, even if the cache has the result of an identical build")
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .addHelpText("after", exitCodesHelp(["ok", 122, 123, 124], {}, "xenlet build FILE.ts"))
    .action((file: string, options: BuildCommandOptions) => build(file, options, context));
}

async function build(file: string, options: BuildCommandOptions, context: Context): Promise<void> {
  refusePassedOn(context, "build");
  await checkReadable(file, "a guest's source (FILE.ts) or module (FILE.wasm)");
  if (!isSource(file))
    throw new UserError(
      `${file} is not a guest's source: expected an AssemblyScript file, FILE.ts, or a Wasm module, FILE.wasm`,
    );
  if (file.endsWith(".wasm")) refuseChoices(file, options, "compiled");
  const output = options.output ?? file.replace(/\.(?:ts|wasm)$/, ".elf");
  if (path.resolve(output) === path.resolve(file))
    throw new UserError(`the image would overwrite its own source ${file}`);
  await checkOutput(output, "the image");
  checkCommandLine(options.cmdline ?? "");
  await checkPlaces();
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  const result = await buildWithProgress(
    {
      entry: file,
      output,
      cache: options.cache,
      ...given({
        emit: options.emit,
        strip: options.strip,
        keep: options.keep,
        cmdline: options.cmdline,
      }),
    },
    options,
    { progress, signal: context.signal },
  );
  if (options.json === true) context.printJson(result);
  else context.print(result.image);
}
