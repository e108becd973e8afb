// The files of an entry: what they are is noted when it is made; looked at on each use by size and time, which takes
// a system call a file; checked byte by byte when something has failed, and on demand.

import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readlinkSync, type Stats } from "node:fs";
import { chmod, lstat, readFile, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";

import { TREE, type EntryFile, type Manifest } from "./manifest.js";
import { given } from "../base/given.js";

/** How a file differs from its manifest. */
export interface Problem {
  /** Relative to the entry's folder. */
  path: string;
  problem: "missing" | "unreadable" | "size" | "content" | "link";
  expected: string;
  found: string;
}

/** Above this a file is hashed in pieces, not read whole. */
const READ_WHOLE_BYTES = 16e6;

/** The SHA-256 of a file's content, in hex. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  if ((await stat(path)).size <= READ_WHOLE_BYTES) {
    signal?.throwIfAborted();
    return hash.update(await readFile(path)).digest("hex");
  }
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...given({ signal }) });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/**
 * Lists the files and links of a tree with their checksums. Bits that run a file as
 * its owner are dropped: nothing in a cache is meant to.
 */
export async function takeStock(
  tree: string,
  signal?: AbortSignal,
): Promise<Pick<Manifest, "files" | "links">> {
  const files: EntryFile[] = [];
  const links: Manifest["links"] = [];
  const visit = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(tree, prefix), { withFileTypes: true })) {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      const absolute = join(tree, path);
      if (entry.isDirectory()) await visit(path);
      else if (entry.isSymbolicLink()) links.push({ path, target: await readlink(absolute) });
      else if (entry.isFile()) {
        const { size, mode, mtimeMs } = await lstat(absolute);
        if (mode & 0o6000) await chmod(absolute, mode & 0o777);
        const sha256 = await sha256OfFile(absolute, signal);
        files.push({ path, bytes: size, sha256, time: mtimeMs });
      }
    }
  };
  await visit("");
  return { files, links };
}

/** What a look without reading tells. */
export interface Look {
  /** The first thing that is wrong, if any. */
  problem: Problem | null;
  /** Files that have the right size, and not the noted time: they must be read to know. */
  touched: EntryFile[];
}

/** Looks at every file and link of an entry by size and time. Synchronous: 400 files take 5 ms, and 30 otherwise. */
export function lookAt(folder: string, manifest: Manifest): Look {
  const tree = join(folder, TREE);
  const touched: EntryFile[] = [];
  for (const file of manifest.files) {
    const path = `${TREE}/${file.path}`;
    try {
      const found = lstatSync(join(tree, file.path));
      const problem = sizeProblem(path, file, found);
      if (problem !== null) return { problem, touched };
      if (found.mtimeMs !== file.time) touched.push(file);
    } catch (error) {
      return { problem: failure(path, error), touched };
    }
  }
  for (const link of manifest.links) {
    const path = `${TREE}/${link.path}`;
    try {
      const found = readlinkSync(join(tree, link.path));
      if (found !== link.target)
        return { problem: { path, problem: "link", expected: link.target, found }, touched };
    } catch (error) {
      return { problem: failure(path, error), touched };
    }
  }
  return { problem: null, touched };
}

function sizeProblem(path: string, file: EntryFile, found: Stats): Problem | null {
  if (!found.isFile())
    return { path, problem: "missing", expected: "a file", found: "something else" };
  if (found.size !== file.bytes)
    return {
      path,
      problem: "size",
      expected: `${file.bytes} bytes`,
      found: `${found.size} bytes`,
    };
  return null;
}

/** Compares one file of an entry with its manifest, content included. */
export async function checkFile(
  folder: string,
  file: EntryFile,
  signal?: AbortSignal,
): Promise<Problem | null> {
  const path = `${TREE}/${file.path}`;
  const absolute = join(folder, TREE, file.path);
  try {
    const problem = sizeProblem(path, file, await lstat(absolute));
    if (problem !== null) return problem;
    const sum = await sha256OfFile(absolute, signal);
    return sum === file.sha256
      ? null
      : { path, problem: "content", expected: file.sha256, found: sum };
  } catch (error) {
    signal?.throwIfAborted();
    return failure(path, error);
  }
}

function failure(path: string, error: unknown): Problem {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "EINVAL" // readlink of something else than a link
    ? { path, problem: "missing", expected: "present", found: "absent" }
    : { path, problem: "unreadable", expected: "readable", found: message };
}

/** Compares every file and link of an entry with its manifest, content included. */
export async function checkTree(
  folder: string,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const file of manifest.files) {
    const problem = await checkFile(folder, file, signal);
    if (problem !== null) problems.push(problem);
  }
  const { problem } = lookAt(folder, { ...manifest, files: [] });
  if (problem !== null) problems.push(problem);
  return problems;
}

/** "tree/lib/libc.so.6: size, expected 12 bytes, found 0 bytes". */
export function describeProblem({ path, problem, expected, found }: Problem): string {
  return `${path}: ${problem}, expected ${expected}, found ${found}`;
}
