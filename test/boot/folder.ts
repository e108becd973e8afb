// The folder of the test file that runs: files share a process, one after the other.

import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | null = null;

/** Made when the file first needs it. */
export function testFolder(): string {
  folder ??= mkdtempSync(join(tmpdir(), "xenlet-boot-"));
  return folder;
}

export async function removeTestFolder(): Promise<void> {
  if (folder === null) return;
  await rm(folder, { recursive: true, force: true });
  folder = null;
}
