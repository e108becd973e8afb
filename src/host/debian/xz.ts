// xz: the host's if it is in PATH, otherwise Debian's, run from the cache. Linux filters its kernels for x86
// (xz_wrap.sh of its sources), which liblzma undoes, and small decoders do not.

import { given } from "../base/given.js";
import { isInPath } from "../base/in-path.js";
import type { Progress } from "../base/progress.js";
import { LIBRARIES, programIn, type Program } from "./program.js";
import { provideSet, type SetOptions, type SetRecipe } from "./sets.js";

const NAME = "xz";
const BINARY = `usr/bin/${NAME}`;

const RECIPE: SetRecipe = {
  name: NAME,
  title: NAME,
  suite: "bookworm",
  packages: ["xz-utils"],
  closure: true,
  keep: (path) =>
    path === BINARY || LIBRARIES.test(path) || /^usr\/share\/doc\/[^/]+\/copyright$/.test(path),
};

/** Decompresses a whole `.xz` stream. Rejects with xz's own message if it is damaged. */
export type Unxz = (compressed: Buffer) => Promise<Buffer>;

/** Throws UserError (host trouble) if xz is not in PATH and Debian's is not available. */
export async function provideXz(ui: Progress, options: SetOptions = {}): Promise<Unxz> {
  const program: Program = isInPath(NAME)
    ? { command: NAME, args: [] }
    : programIn((await provideSet(RECIPE, ui, options)).tree, BINARY);
  return async (compressed) => unxz(program, compressed, options.signal);
}

async function unxz(
  { command, args }: Program,
  compressed: Buffer,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { execa } = await import("execa");
  const result = await execa(command, [...args, "--decompress", "--stdout"], {
    input: compressed,
    encoding: "buffer",
    reject: false,
    maxBuffer: Infinity,
    ...given({ cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (result.failed) {
    const said = Buffer.from(result.stderr).toString().trim();
    throw new Error(said === "" ? result.shortMessage : said);
  }
  return Buffer.from(result.stdout);
}
