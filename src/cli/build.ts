import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../errors.js";
import { createProgress } from "../progress.js";
import { refusePassedOn, type CommonOptions, type Context } from "./context.js";
import { buildWithProgress, checkReadable, type BuildChoices } from "./guest-image.js";
import * as option from "./options.js";

interface BuildCommandOptions extends CommonOptions, BuildChoices {
  output?: string;
  strip?: true;
  keep?: string;
  cache: boolean;
}

export function addBuild(program: Command, context: Context): void {
  program
    .command("build")
    .summary("build a guest's image")
    .description(
      "Compiles an AssemblyScript file to Wasm, lowers it to native code, and links a PVH image.\n" +
        "An asconfig.json beside the file is honoured.",
    )
    .argument("<FILE.ts>", "the guest's source")
    .option(
      "-o, --output <image.elf>",
      "where the image goes (default: FILE.elf beside the source)",
    )
    .addOption(option.HYPERCALL())
    .addOption(option.TRANSFORM())
    .addOption(option.RUNTIME())
    .option("--strip", "leave out symbols: smaller, but a trap is told by addresses only")
    .option("--keep <folder>", "leave the intermediate files (Wasm, C, objects) there")
    .option("--no-cache", "do every stage again, whatever the cache has of an equal build")
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .action((file: string, options: BuildCommandOptions) => build(file, options, context));
}

async function build(file: string, options: BuildCommandOptions, context: Context): Promise<void> {
  refusePassedOn(context, "build");
  await checkReadable(file, "a guest's source (FILE.ts)");
  if (!file.endsWith(".ts"))
    throw new UserError(`${file} is no guest's source: expected an AssemblyScript file, FILE.ts`);
  const output = options.output ?? file.replace(/\.ts$/, ".elf");
  if (path.resolve(output) === path.resolve(file))
    throw new UserError(`the image would overwrite its own source ${file}`);
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  const result = await buildWithProgress(
    {
      entry: file,
      output,
      cache: options.cache,
      ...(options.strip === true ? { strip: true } : {}),
      ...(options.keep === undefined ? {} : { keep: options.keep }),
    },
    options,
    { progress, signal: context.signal },
  );
  if (options.json === true) context.printJson(result);
  else context.print(result.image);
}
