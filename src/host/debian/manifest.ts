// What a folder of unpacked packages is made of: written when it is made, read back
// before it is trusted, checked byte by byte on demand.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, lstat, readFile, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Relative, and never upwards: a manifest cannot name a file outside its tree. */
const relativePath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith("/") && !path.split("/").includes(".."), {
    message: "expected a relative path without ..",
  });

const manifestSchema = z.object({
  format: z.literal(1),
  name: z.string().min(1),
  suite: z.enum(["bullseye", "bookworm", "trixie"]),
  created: z.iso.datetime(),
  /** The packages as downloaded, with the checksum of each .deb. */
  packages: z.array(
    z.object({
      name: z.string().min(1),
      version: z.string().min(1),
      architecture: z.string().min(1),
      bytes: z.int().nonnegative(),
      sha256,
    }),
  ),
  files: z.array(z.object({ path: relativePath, bytes: z.int().nonnegative(), sha256 })),
  links: z.array(z.object({ path: relativePath, target: z.string().min(1) })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type PackageFile = Manifest["packages"][number];

export const MANIFEST = "manifest.json";
export const TREE = "tree";

/** A set of the cache whose files are not what its manifest says. */
export interface Problem {
  /** Relative to the set's folder. */
  path: string;
  problem: "missing" | "unreadable" | "size" | "content" | "link";
  expected: string;
  found: string;
}

/** Reads a manifest's text. Throws an Error that names the first thing wrong with it. */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${MANIFEST} is not JSON: ${(cause as Error).message}`, { cause });
  }
  // Compiling the schema would take longer than it saves.
  const result = manifestSchema.safeParse(value, { jitless: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(`${MANIFEST}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`);
}

/** The manifest of a set's folder. Throws as `parseManifest` does, or ENOENT. */
export async function readManifest(folder: string): Promise<Manifest> {
  return parseManifest(await readFile(join(folder, MANIFEST), "utf8"));
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
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
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
  const files: Manifest["files"] = [];
  const links: Manifest["links"] = [];
  const visit = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(tree, prefix), { withFileTypes: true })) {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      const absolute = join(tree, path);
      if (entry.isDirectory()) await visit(path);
      else if (entry.isSymbolicLink()) links.push({ path, target: await readlink(absolute) });
      else if (entry.isFile()) {
        const { size, mode } = await lstat(absolute);
        if (mode & 0o6000) await chmod(absolute, mode & 0o777);
        files.push({ path, bytes: size, sha256: await sha256OfFile(absolute, signal) });
      }
    }
  };
  await visit("");
  return { files, links };
}

async function checkFile(
  tree: string,
  file: Manifest["files"][number],
  signal?: AbortSignal,
): Promise<Problem | null> {
  const path = `${TREE}/${file.path}`;
  try {
    const found = await lstat(join(tree, file.path));
    if (!found.isFile()) {
      return { path, problem: "missing", expected: "a file", found: "something else" };
    }
    if (found.size !== file.bytes) {
      const expected = `${file.bytes} bytes`;
      return { path, problem: "size", expected, found: `${found.size} bytes` };
    }
    const sum = await sha256OfFile(join(tree, file.path), signal);
    return sum === file.sha256
      ? null
      : { path, problem: "content", expected: file.sha256, found: sum };
  } catch (error) {
    return failure(path, error, signal);
  }
}

async function checkLink(tree: string, link: Manifest["links"][number]): Promise<Problem | null> {
  const path = `${TREE}/${link.path}`;
  try {
    const found = await readlink(join(tree, link.path));
    return found === link.target ? null : { path, problem: "link", expected: link.target, found };
  } catch (error) {
    return failure(path, error);
  }
}

function failure(path: string, error: unknown, signal?: AbortSignal): Problem {
  signal?.throwIfAborted();
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR"
    ? { path, problem: "missing", expected: "present", found: "absent" }
    : { path, problem: "unreadable", expected: "readable", found: message };
}

/** Compares every file and link of a set with its manifest. */
export async function checkTree(
  folder: string,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<Problem[]> {
  const tree = join(folder, TREE);
  const problems: (Problem | null)[] = [];
  for (const file of manifest.files) problems.push(await checkFile(tree, file, signal));
  for (const link of manifest.links) problems.push(await checkLink(tree, link));
  return problems.filter((problem) => problem !== null);
}

/** Compares one file of a set with its manifest, content included. */
export async function checkOne(
  folder: string,
  manifest: Manifest,
  path: string,
): Promise<Problem | null> {
  const file = manifest.files.find((candidate) => candidate.path === path);
  if (!file) {
    return { path: MANIFEST, problem: "content", expected: `an entry for ${path}`, found: "none" };
  }
  return checkFile(join(folder, TREE), file);
}
