/** A file that is made for one boot. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { temporaryFolder } from "../cache/temporary.js";

export interface OwnFile {
  path: string;
  /** Removes it, unless it is to stay. */
  dispose: () => Promise<void>;
}

/**
 * Has `write` write the file `name`: in a folder of its own in TMPDIR, or in `keep`, where it stays. Throws what `write`
 * throws if that is a UserError, else one (122) that begins with `failure`.
 */
export async function ownFile(
  name: string,
  write: (file: string) => Promise<void>,
  failure: string,
  keep?: string,
): Promise<OwnFile> {
  const { path: folder, dispose } =
    keep === undefined
      ? await temporaryFolder(name.replace(/\.\w+$/, ""))
      : { path: keep, dispose: () => Promise.resolve() };
  const file = path.join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    await write(file);
    return { path: file, dispose };
  } catch (error) {
    await dispose();
    if (error instanceof UserError) throw error;
    throw new UserError(`${failure}: ${(error as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause: error,
    });
  }
}
