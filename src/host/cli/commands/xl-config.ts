import { Option, type Command } from "commander";
import path from "node:path";
import { UserError } from "../../base/errors.js";
import { exitCodesHelp } from "../../base/exit-codes.js";
import { readElf } from "../../elf/elf.js";
import { validatePvhImage } from "../../elf/pvh.js";
import { commentedXlConfig } from "../../xl/xl-config.js";
import { refusePassedOn, type Context } from "../context.js";
import { checkReadable } from "../guest-image.js";
import * as option from "../options.js";

interface XlConfigOptions {
  name?: string;
  mem: number;
  vcpus: number;
  cmdline?: string;
  type: "pvh" | "hvm";
}

export function addXlConfig(program: Command, context: Context): void {
  program
    .command("xl-config")
    .summary("print an xl.cfg for an image, to run it on your own host")
    .description(
      "Prints a commented xl.cfg that creates a domain from an image:\n" +
        "  xenlet xl-config image.elf > image.cfg && sudo xl create -c image.cfg",
    )
    .argument("<image.elf>", "a PVH image, as built by xenlet build")
    .option("--name <name>", "the domain's name (default: the image's name)")
    .addOption(
      new Option("--type <type>", "pvh; or hvm, a whole emulated PC, which stock xl can soft-reset")
        .choices(["pvh", "hvm"])
        .default("pvh"),
    )
    .addOption(option.MEM())
    .addOption(option.VCPUS())
    .addOption(option.CMDLINE())
    .addHelpText("after", exitCodesHelp(["ok", 123]))
    .action((file: string, options: XlConfigOptions) => print(file, options, context));
}

async function print(file: string, options: XlConfigOptions, context: Context): Promise<void> {
  refusePassedOn(context, "xl-config");
  await checkReadable(file, "an image");
  validatePvhImage(await readElf(file));
  const name = options.name ?? path.basename(file, path.extname(file)).replace(/[^\w+.-]/g, "-");
  // What libxl takes for a name goes into paths of the store.
  if (!/^[\w+.-]{1,64}$/.test(name))
    throw new UserError(
      `the name is ${JSON.stringify(name)}, expected 1 to 64 letters, digits, "-", "_", "+" and "."`,
    );
  const cmdline = options.cmdline ?? "";
  if (options.type === "hvm" && cmdline !== "")
    throw new UserError("xl gives a domain of type hvm no command line: it must be in the image", {
      hint: "xenlet build FILE.ts --cmdline TEXT",
    });
  const image = path.resolve(file);
  for (const text of [cmdline, image])
    if (!/^[ -~]*$/.test(text))
      throw new UserError(`xl.cfg must be printable ASCII: ${JSON.stringify(text)}`);
  context.print(
    commentedXlConfig({
      name,
      type: options.type,
      image,
      memoryMiB: options.mem,
      vcpus: options.vcpus,
      cmdline,
      actions: { soft_reset: "soft-reset" },
    }).trimEnd(),
  );
}
