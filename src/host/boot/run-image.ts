/** The run's own copy of a guest's image: as it was built, and with what this run gives it (src/host/elf/run-block.ts). */
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { UserError } from "../base/errors.js";
import { ElfError } from "../elf/error.js";
import { parseElf } from "../elf/elf.js";
import { checkStrings, takesRunBlock, withRunBlock, type Run } from "../elf/run-block.js";
import type { BootOptions, Way } from "./options.js";
import { ownFile } from "./own-file.js";
import { given } from "../base/given.js";

export interface RunImage {
  /** The copy; null: the file as it is, since it has no place for a run block. */
  bytes: Buffer | null;
  /** Xen's command line for it. */
  cmdline: string;
}

/** The image that this boot loads, in memory. Throws a UserError for what its guest cannot be given. */
export async function runImage(options: BootOptions, way: Way, nonce: string): Promise<RunImage> {
  const { cmdline = "" } = options;
  const run: Run = {
    nonce,
    way,
    name: options.name ?? options.image,
    random: randomBytes(32),
    input: options.typed === undefined,
    records: options.records ?? "ring",
    ...given({ arguments: options.arguments, variables: options.environment }),
  };
  checkStrings(run);
  const image = await readFile(options.image);
  if (hasPlace(image, options.image)) {
    // libxl gives a domain of type hvm neither a command line nor a module that this image could use.
    const own = way === "xl-hvm";
    const [module] = options.modules ?? [];
    if (own && options.cmdline !== undefined) run.cmdline = options.cmdline;
    if (own && module !== undefined) run.module = await readFile(module);
    return { bytes: withRunBlock(image, run), cmdline: own ? "" : cmdline };
  }
  if ((options.arguments ?? options.environment)?.length || way === "xl-hvm")
    throw new UserError(
      `${options.image} has no place for ${way === "xl-hvm" ? "a command line" : "arguments or an environment"}: only images built by xenlet have one`,
      { hint: "xenlet build FILE.ts -o image.elf" },
    );
  return { bytes: null, cmdline: `nonce=${nonce} on=${way} ${cmdline}`.trimEnd() };
}

/** What cannot be read as ELF is booted as it is: --force. */
function hasPlace(image: Uint8Array, name: string): boolean {
  try {
    return takesRunBlock(parseElf(image, name));
  } catch (error) {
    if (error instanceof ElfError) return false;
    throw error;
  }
}

export interface RunImageFile {
  path: string;
  cmdline: string;
  /** Removes it. */
  dispose: () => Promise<void>;
}

/** The same as a file: in a folder for temporary files, or in `folder`, where it stays. */
export async function writeRunImage(
  options: BootOptions,
  way: Way,
  nonce: string,
  folder?: string,
): Promise<RunImageFile> {
  const { bytes, cmdline } = await runImage(options, way, nonce);
  const nothing = (): Promise<void> => Promise.resolve();
  if (bytes === null) return { path: options.image, cmdline, dispose: nothing };
  const file = await ownFile(
    "run.elf",
    (name) => writeFile(name, bytes),
    "cannot create the run's copy of the image",
    folder,
  );
  return { ...file, cmdline };
}
