import { access } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../../../base/errors.js";
import { ExitCode, exitCodesHelp } from "../../../base/exit-codes.js";
import { PendingFiles } from "../../../base/pending-files.js";
import { quoteWord } from "../../../base/shell.js";
import { refusePassedOn, type CommonOptions, type Context } from "../../context.js";
import * as option from "../../options.js";
import { starterFiles } from "./files.js";
import { dependencyOn, packageOrigin } from "./origin.js";

export function addInit(program: Command, context: Context): void {
  program
    .command("init")
    .summary("create a folder to start from")
    .description(
      "Creates a folder with a guest, a test of it, its package.json, and the types that an editor needs. " +
        "The package.json refers to the place from which xenlet itself was installed. " +
        "Existing files are never overwritten.",
    )
    .argument("<dir>", "the folder; it may already exist")
    .addOption(option.JSON_OUTPUT())
    .addHelpText("after", exitCodesHelp(["ok", 122, 123]))
    .action((folder: string, options: CommonOptions) => init(folder, options, context));
}

async function init(folder: string, options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "init");
  const { spec, problem } = dependencyOn(packageOrigin(), folder);
  const files = starterFiles(path.basename(path.resolve(folder)), spec);
  const names = Object.keys(files);
  const present = await Promise.all(
    names.map((name) =>
      access(path.join(folder, name)).then(
        () => [name],
        () => [],
      ),
    ),
  );
  // All or nothing: a folder with half of the files would be neither theirs nor ours.
  if (present.flat().length > 0)
    throw new UserError(
      `${folder} already contains ${present.flat().join(", ")}: nothing was written`,
      {
        hint: "xenlet init ANOTHER-DIR",
      },
    );
  const pending = new PendingFiles();
  try {
    for (const [name, text] of Object.entries(files))
      await pending.add(path.join(folder, name), text);
    await pending.commit();
  } catch (cause) {
    throw new UserError(`cannot write to ${folder}: ${(cause as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause,
    });
  } finally {
    await pending.discard();
  }
  if (options.json === true)
    context.printJson({ folder: path.resolve(folder), files: names, xenlet: spec, problem });
  else {
    for (const name of names) context.print(path.join(folder, name));
    if (problem !== null) context.say(`\n${problem}`);
    const steps = [...cdLine(folder), "npm install", "npm test", "npm start"];
    context.say(["", "Now:", ...steps.map((step) => `  ${step}`)].join("\n"));
  }
}

/** As a shell takes it, whatever the folder's name; none for the folder that one is in. */
function cdLine(folder: string): string[] {
  if (path.resolve(folder) === process.cwd()) return [];
  return [`cd ${quoteWord(folder.startsWith("-") ? `./${folder}` : folder)}`];
}
