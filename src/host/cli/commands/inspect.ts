import type { Command } from "commander";
import { ExitCode, exitCodesHelp } from "../../base/exit-codes.js";
import { formatInspection, inspectImage } from "../../elf/index.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import { checkReadable } from "../guest-image.js";
import * as option from "../options.js";

export function addInspect(program: Command, context: Context): void {
  program
    .command("inspect")
    .summary("show what is in an image")
    .description(
      "Shows an image's notes, entry, segments with their permissions, sizes and symbols. " +
        "Exits with 123 if Xen could not boot it as PVH.",
    )
    .argument("<image.elf>", "a PVH image")
    .addOption(option.JSON_OUTPUT())
    .addHelpText(
      "after",
      exitCodesHelp(["ok", 123], {
        ok: "Xen can boot it",
        123: "bad usage, not an image, or one that Xen cannot boot",
      }),
    )
    .action((file: string, options: CommonOptions) => inspect(file, options, context));
}

async function inspect(file: string, options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "inspect");
  await checkReadable(file, "an image");
  const inspection = await inspectImage(file);
  if (options.json === true) context.printJson(inspection);
  else context.print(formatInspection(inspection).trimEnd());
  if (inspection.problem !== null) context.exitWith(ExitCode.USAGE);
}
