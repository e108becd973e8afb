// QEMU: the host's if it will do, else Debian's, run from the cache without being installed.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { isInPath } from "../base/in-path.js";
import type { Progress } from "../base/progress.js";
import { Cache } from "../cache/cache.js";
import { LIBRARIES, programIn, type Program } from "./program.js";
import type { Suite } from "./releases.js";
import { findSet, provideSet } from "./sets.js";
import type { PackageSet, SetOptions, SetRecipe } from "./sets.js";
import { hostError } from "../base/host-error.js";
import { given } from "../base/given.js";

/** How to call QEMU: `command`, then `args`, then one's own; `env` comes on top of the process's. */
export interface Qemu {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** As it says itself, or as its package says: "7.2.22 (Debian 1:7.2+dfsg-7)", "7.2+dfsg-7". */
  version: string;
  /** The host's own, or unpacked from Debian's packages into the cache. */
  origin: "host" | "cache";
}

const NAME = "qemu-system-x86_64";
/** The first whose TCG runs Xen under SVM with nested paging without known trouble. */
const OLDEST_MAJOR = 5;
const CACHED_SUITE: Suite = "bookworm";

const BINARY = `usr/bin/${NAME}`;
const MODULES = "usr/lib/x86_64-linux-gnu/qemu";
const FIRMWARE = ["usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"];

/** What of the packages' closure QEMU runs from: the rest is documentation and other architectures. */
const KEPT = [
  LIBRARIES,
  /^usr\/lib\/x86_64-linux-gnu\/qemu\/[^/]*\.so$/,
  /^usr\/bin\/qemu-system-x86_64$/,
  /^usr\/share\/(?:qemu|seabios)\//,
  /^usr\/lib\/ipxe\/qemu\//,
  /^usr\/share\/doc\/[^/]+\/copyright$/,
];

interface Call extends Program {
  env: NodeJS.ProcessEnv;
}

const RECIPE: SetRecipe = {
  name: "qemu",
  title: "QEMU",
  suite: CACHED_SUITE,
  packages: ["qemu-system-x86"],
  closure: true,
  keep: (path) => KEPT.some((pattern) => pattern.test(path)),
  finish: async (tree, signal) => {
    const made = await probe(cachedCall(tree), signal);
    if (typeof made === "string") throw hostError(`Debian's QEMU ${made}`);
  },
};

/**
 * QEMU for x86-64 with TCG: the one of XENLET_QEMU (a path, or "cache" for Debian's),
 * else the host's if it is new enough, else Debian's from the cache, downloaded if need be.
 * Throws UserError if none is available.
 */
export async function provideQemu(ui: Progress, options: SetOptions = {}): Promise<Qemu> {
  return (await hostQemu(options.signal)) ?? cachedQemu(await provideSet(RECIPE, ui, options));
}

/** What `provideQemu` would return without downloading anything; null if it would have to. */
export async function findQemu(options: SetOptions = {}): Promise<Qemu | null> {
  const host = await hostQemu(options.signal);
  if (host) return host;
  const set = await findSet(RECIPE, options.cache ?? new Cache());
  return "tree" in set ? cachedQemu(set) : null;
}

/** Whether the QEMU that XENLET_QEMU names will do, before any work. Throws UserError if not. */
export async function checkQemuChoice(signal?: AbortSignal): Promise<void> {
  if (process.env["XENLET_QEMU"]) await hostQemu(signal);
}

/** The host's QEMU, or null if none is suitable and XENLET_QEMU does not name one. */
async function hostQemu(signal: AbortSignal | undefined): Promise<Qemu | null> {
  const wanted = process.env["XENLET_QEMU"] ?? "";
  if (wanted === "cache") return null;
  const command = wanted === "" ? NAME : wanted;
  if (wanted === "" && !isInPath(command)) return null;
  const found = await probe({ command, args: [], env: {} }, signal);
  if (typeof found !== "string") return { ...found, origin: "host" };
  if (wanted === "") return null;
  throw hostError(
    `XENLET_QEMU is ${wanted}: it ${found}`,
    "XENLET_QEMU=cache selects Debian's; if unset, the host's is used if suitable",
  );
}

function cachedQemu({ tree, manifest }: PackageSet): Qemu {
  const packaged = manifest.packages?.find(({ name }) => name === "qemu-system-x86")?.version ?? "";
  return { ...cachedCall(tree), version: packaged.replace(/^\d+:/, ""), origin: "cache" };
}

/** QEMU of an unpacked tree, with the tree's firmware and modules. */
function cachedCall(tree: string): Call {
  const { command, args } = programIn(tree, BINARY);
  return {
    command,
    args: [...args, ...FIRMWARE.flatMap((path) => ["-L", join(tree, path)])],
    env: { QEMU_MODULE_DIR: join(tree, MODULES) },
  };
}

interface Probed {
  stdout: string;
  failure: (NodeJS.ErrnoException & { stderr?: string }) | null;
}

/** Which version a QEMU is, or why it will not do, in words that complete "it …". */
async function probe(
  call: Call,
  signal: AbortSignal | undefined,
): Promise<(Call & { version: string }) | string> {
  // With Node's own functions: a run on the host's QEMU would load execa for this alone.
  const run = async (argument: string[]): Promise<Probed> =>
    promisify(execFile)(call.command, [...call.args, ...argument], {
      env: { ...process.env, ...call.env },
      ...given({ signal }),
    }).then(
      ({ stdout }) => ({ stdout, failure: null }),
      (error: unknown) => {
        signal?.throwIfAborted();
        return { stdout: "", failure: error as Probed["failure"] };
      },
    );
  const [told, accelerators] = await Promise.all([run(["--version"]), run(["-accel", "help"])]);
  if (told.failure?.code === "ENOENT") return "does not exist";
  const version = /^QEMU emulator version (\d.*)/.exec(told.stdout)?.[1];
  if (told.failure !== null) {
    const { stderr = "", message } = told.failure;
    return `does not run: ${(stderr || message).split("\n")[0] ?? ""}`;
  }
  if (version === undefined) {
    const said = told.stdout.split("\n")[0] || "nothing";
    return `is not QEMU: its output for --version is ${said === "nothing" ? said : JSON.stringify(said)}`;
  }
  if (Number.parseInt(version) < OLDEST_MAJOR) {
    return `is version ${version}: expected ${OLDEST_MAJOR} or newer`;
  }
  if (!/^tcg$/m.test(accelerators.stdout)) return "has no TCG, which is needed to run Xen here";
  return { ...call, version };
}
