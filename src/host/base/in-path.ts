import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Whether a command of that name is in PATH: a spawn that fails takes 20 ms. */
export function isInPath(name: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => folder !== "" && existsSync(join(folder, name)));
}
