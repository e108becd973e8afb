/** Lines of guests' sources, to be shown beside what failed there. */
import { readFileSync } from "node:fs";
import type { Place } from "../../report/model.js";

/** The line that stands there, without its indentation; null if it cannot be read. */
export type SourceLines = (place: Place) => string | null;

/** Reads each file once. */
export function sourceLines(): SourceLines {
  const files = new Map<string, string[]>();
  return ({ file, line }) => {
    let lines = files.get(file);
    if (lines === undefined) {
      lines = read(file);
      files.set(file, lines);
    }
    return lines[line - 1]?.trim() ?? null;
  };
}

function read(file: string): string[] {
  if (file.startsWith("~")) return [];
  try {
    return readFileSync(file, "utf8").split(/\r?\n/);
  } catch {
    return [];
  }
}
