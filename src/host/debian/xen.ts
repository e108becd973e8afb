// The hypervisor: Debian's, or one that a user names.

import { createHash } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

import { UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { suiteOf, type XenRelease } from "./releases.js";
import { provideSet, type SetOptions } from "./sets.js";
import { hostError } from "../base/host-error.js";
import { identifyXen } from "./xen-binary.js";
import { given } from "../base/given.js";

/** A hypervisor that QEMU can boot. */
export interface XenBinary {
  /** Absolute, uncompressed. */
  path: string;
  /** "4.17"; "unknown" where a user's own file does not tell. */
  release: string;
  /** The exact version of the Debian package; null for a user's own file. */
  debianVersion: string | null;
}

/** dom0=pvh came to stay in 4.11; nothing older boots our guests. */
const OLDEST = { major: 4, minor: 11 };
/** No Xen comes near this; what does is something else, and not read whole. */
const LARGEST_BYTES = 256e6;

const gunzipped = promisify(gunzip);

/**
 * The hypervisor of a Xen release from Debian, downloaded when it is not in the cache.
 * Throws UserError (host trouble) if it is not available.
 */
export async function provideXen(
  release: XenRelease,
  ui: Progress,
  options: SetOptions = {},
): Promise<XenBinary> {
  const name = `xen-hypervisor-${release}-amd64`;
  const binary = `boot/xen-${release}-amd64`;
  const { tree, manifest } = await provideSet(
    {
      name: `xen-${release}`,
      title: `Xen ${release}`,
      suite: suiteOf(release),
      packages: [name],
      closure: false,
      keep: (path) => /^boot\/.*\.(?:gz|config)$|^usr\/share\/doc\/[^/]+\/copyright$/.test(path),
      finish: async (folder) => {
        const compressed = join(folder, `${binary}.gz`);
        const bytes = await gunzipped(await readFile(compressed));
        const identity = identifyXen(bytes);
        if (typeof identity === "string") throw hostError(`${name}: its Xen ${identity}`);
        await writeFile(join(folder, binary), bytes);
        await rm(compressed);
      },
    },
    ui,
    options,
  );
  const debianVersion = manifest.packages?.find((one) => one.name === name)?.version ?? null;
  return { path: join(tree, binary), release, debianVersion };
}

/**
 * A hypervisor that a user names, plain or compressed by gzip (then an uncompressed
 * copy is kept in the cache); or the folder of Xen's sources that it was built in, or was installed below.
 * Throws UserError for a file that is missing, truncated, too old, or no Xen.
 */
export async function xenFromPath(file: string, options: SetOptions = {}): Promise<XenBinary> {
  const path = await hypervisorAt(resolve(file));
  const raw = await readGiven(path);
  const compressed = raw.length >= 2 && raw.readUInt16BE(0) === 0x1f8b;
  const bytes = compressed ? await gunzipGiven(raw, path) : raw;
  const identity = identifyXen(bytes);
  if (typeof identity === "string") throw notXen(path, identity);
  const [major = OLDEST.major, minor = OLDEST.minor] = (identity.release ?? "")
    .split(".")
    .filter((part) => part !== "")
    .map(Number);
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
    throw new UserError(
      `${path} is Xen ${identity.version ?? ""}: ` +
        `expected ${OLDEST.major}.${OLDEST.minor} or newer, which can boot a PVH dom0`,
      { hint: "--xen 4.17" },
    );
  }
  return {
    path: compressed ? await keepUncompressed(bytes, options) : path,
    release: identity.release ?? "unknown",
    debianVersion: null,
  };
}

/** Where Xen's build leaves it: from the top of the sources, from xen/, and where \`make dist\` installs. */
const BUILT = ["xen/xen.gz", "xen/xen", "xen.gz", "xen", "dist/install/boot/xen.gz", "boot/xen.gz"];

async function hypervisorAt(path: string): Promise<string> {
  if (!(await stat(path).catch(() => null))?.isDirectory()) return path;
  for (const name of BUILT) {
    const file = join(path, name);
    if ((await stat(file).catch(() => null))?.isFile() === true) return file;
  }
  throw new UserError(`the folder ${path} contains no Xen: expected one of ${BUILT.join(", ")}`, {
    hint: "make -C XEN-SOURCES xen",
  });
}

function notXen(path: string, why: string, cause?: unknown): UserError {
  return new UserError(
    `${path} is not a Xen hypervisor: expected the bootable xen or xen.gz, but it ${why}`,
    { hint: "--xen 4.17, which is Debian's", ...given({ cause }) },
  );
}

async function readGiven(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST_BYTES) throw notXen(path, `is ${size} bytes long`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new UserError(`${path} not found: expected a Xen hypervisor (xen or xen.gz)`, {
        cause: error,
      });
    }
    throw new UserError(`cannot read ${path}: ${message}`, { cause: error });
  }
}

async function gunzipGiven(raw: Buffer, path: string): Promise<Buffer> {
  try {
    return await gunzipped(raw, { maxOutputLength: LARGEST_BYTES });
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === "Z_BUF_ERROR"
        ? "is truncated: its gzip data ends too early"
        : `cannot be decompressed: ${(error as Error).message}`;
    throw notXen(path, why, error);
  }
}

async function keepUncompressed(
  bytes: Buffer,
  { signal, cache = new Cache() }: SetOptions,
): Promise<string> {
  const name = createHash("sha256").update(bytes).digest("hex").slice(0, 40);
  const { tree } = await cache.provide(
    KINDS.hypervisors,
    name,
    async (at) => {
      await writeFile(join(at.tree, "xen"), bytes);
      return undefined;
    },
    { signal },
  );
  return join(tree, "xen");
}
