// Folders in TMPDIR that go when they are no longer needed, and when the process that made them is killed, by the next one.

import { access, constants, lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { hostError } from "../base/host-error.js";
import { isAbandoned, ownerMark } from "./owner.js";

const PREFIX = "xenlet-";

export interface TemporaryFolder {
  /** Absolute. */
  path: string;
  /** Removes it, and what is in it. May be called twice. */
  dispose: () => Promise<void>;
}

let swept: Promise<void> | undefined;

/**
 * A new empty folder in TMPDIR, whose name has `purpose` in it; this user's alone.
 * Throws UserError (122) if there can be none.
 */
export async function temporaryFolder(purpose: string): Promise<TemporaryFolder> {
  swept ??= sweepTemporary();
  await swept;
  const path = await mkdtemp(join(tmpdir(), `${PREFIX}${purpose}${ownerMark()}`)).catch(refuse);
  return { path, dispose: () => rm(path, { recursive: true, force: true }) };
}

/** Whether there can be any, before work that needs one. Throws UserError (122). */
export async function checkTemporaryPlace(): Promise<void> {
  await access(tmpdir(), constants.W_OK | constants.X_OK).catch(refuse);
}

function refuse(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  throw hostError(
    code === "ENOENT"
      ? `cannot create a temporary folder: ${tmpdir()} does not exist`
      : `cannot create a temporary folder in ${tmpdir()}: ${message}`,
    "TMPDIR=/a/folder xenlet …",
    error,
  );
}

/** Removes what killed processes of this user left in TMPDIR. What cannot be removed stays. */
export async function sweepTemporary(): Promise<void> {
  const folder = tmpdir();
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(PREFIX))) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => null);
    if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) continue;
    if (isAbandoned(name, found.mtimeMs))
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
