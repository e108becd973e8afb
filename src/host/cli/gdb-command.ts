/** The command, for a shell, that starts gdb with a guest's image and the sources that it was built from. */
import path from "node:path";
import { quoteWord } from "../base/shell.js";
import type { GuestImage } from "./guest-image.js";

/** asc names sources from the entry file's folder on, and the debug information puts them below this name. */
const SOURCES = "guest";

export interface Debugged {
  /** What the user named: a source, a module or an image. */
  file: string;
  image: GuestImage;
}

/** Functions of the compiler's own, which no source has: a step does not stop in them. */
const SKIP = "skip -gfi guest/*.c";

/** `core`: a file to open beside the image. `commands`: gdb's own, run after that. */
export function gdbCommand(
  { file, image }: Debugged,
  { core, commands = [] }: { core?: string; commands?: string[] },
): string {
  const sources =
    image.build === null
      ? []
      : [`set substitute-path ${SOURCES} ${path.dirname(path.resolve(file))}`];
  const words = [
    ...["gdb", image.path],
    ...(core === undefined ? [] : [core]),
    ...[...sources, SKIP, ...commands].flatMap((command) => ["-ex", command]),
  ];
  return words.map(quoteWord).join(" ");
}
