import { access, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../../../base/errors.js";
import { refusePassedOn, type CommonOptions, type Context } from "../../context.js";
import { starterFiles } from "./files.js";
import * as option from "../../options.js";

export function addInit(program: Command, context: Context): void {
  program
    .command("init")
    .summary("make a folder to start from")
    .description(
      "Makes a folder with a guest, its package.json, and the types that an editor needs.\n" +
        "Files that are there already are never overwritten.",
    )
    .argument("<dir>", "the folder; it may exist")
    .addOption(option.JSON_OUTPUT())
    .action((folder: string, options: CommonOptions) => init(folder, options, context));
}

async function init(folder: string, options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "init");
  const files = starterFiles(path.basename(path.resolve(folder)));
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
    throw new UserError(`${folder} has ${present.flat().join(", ")} already: nothing was written`, {
      hint: "xenlet init ANOTHER-DIR",
    });
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(folder, name), text, { flag: "wx" });
  } catch (error) {
    throw new UserError(`${folder} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (options.json === true) context.printJson({ folder: path.resolve(folder), files: names });
  else {
    for (const name of names) context.print(path.join(folder, name));
    context.say(`\nNow:\n  cd ${folder}\n  npm install\n  npx xenlet run main.ts`);
  }
}
