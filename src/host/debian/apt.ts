// A private apt: its own configuration, lists and cache, so that the machine's apt is
// neither needed up to date nor touched, and no root is needed. The machine's proxy,
// credentials and other settings still hold; its hooks, pins and sources do not.

import { existsSync } from "node:fs";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { debianMirrors, mirrorsFromEnvironment, parseIndexUris, sourcesList } from "./mirrors.js";
import type { Mirrors } from "./mirrors.js";
import { freeBytes } from "../base/disk.js";
import type { Suite } from "./releases.js";
import { hostError } from "../base/host-error.js";
import { noSpace } from "../cache/cache-error.js";
import { given } from "../base/given.js";

/** Lists younger than this are used as they are. */
const LISTS_FRESH_MS = 24 * 60 * 60 * 1000;

/** Lists of a suite with apt's index of them take about 60 MB; apt hangs when it cannot write them. */
const LISTS_BYTES = 100e6;
/** Whatever apt hangs on, it does not hang for ever. */
const LONGEST_MS = 30 * 60 * 1000;

const KEYRINGS = [
  "/usr/share/keyrings/debian-archive-keyring.gpg",
  "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/** One .deb that apt would download. */
export interface Download {
  name: string;
  version: string;
  architecture: string;
  /** The name apt gives the file. */
  file: string;
  bytes: number;
}

interface AptResult {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** Runs one of apt's commands. Throws UserError if it is not there or was interrupted. */
async function runApt(
  args: string[],
  options: { signal?: AbortSignal | undefined; cwd?: string } = {},
): Promise<AptResult> {
  const { signal, cwd } = options;
  signal?.throwIfAborted();
  const { execa } = await import("execa");
  const result = await execa("apt-get", args, {
    reject: false,
    stdin: "ignore",
    env: { LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
    forceKillAfterDelay: 2000,
    timeout: LONGEST_MS,
    ...given({ cwd, cancelSignal: signal }),
  });
  // Ctrl-C on a terminal reaches apt too, and may reach it before our handler runs.
  if (result.isTerminated) await delay(50);
  signal?.throwIfAborted();
  if (result.code === "ENOENT") {
    throw hostError(
      "apt-get not found (needed to download Debian packages)",
      "run on Debian, or provide your own: --xen PATH, with qemu-system-x86_64 in PATH",
    );
  }
  if (result.timedOut) {
    throw hostError(
      `apt-get ${args.at(-1) ?? ""} did not finish within ${LONGEST_MS / 60_000} minutes`,
    );
  }
  if (result.isTerminated) throw hostError(`apt-get was ended by ${result.signal ?? "a signal"}`);
  return { ok: !result.failed, stdout: result.stdout, stderr: result.stderr };
}

/** The keyring that Debian's signatures are checked with. */
export function debianKeyring(): string | undefined {
  return KEYRINGS.find((file) => existsSync(file));
}

/** Debian's archives by XENLET_MIRROR or the machine's own apt configuration, best first. */
export async function findMirrors(signal?: AbortSignal): Promise<Mirrors[]> {
  const chosen = mirrorsFromEnvironment(process.env["XENLET_MIRROR"]);
  if (chosen) return [chosen];
  const { stdout, stderr } = await runApt(["update", "--print-uris"], { signal });
  const mirrors = debianMirrors(parseIndexUris(stdout));
  if (mirrors.length === 0) {
    throw hostError(
      "no Debian archive among this machine's apt sources" + complaints(stderr),
      "XENLET_MIRROR=http://your.mirror/debian xenlet …",
    );
  }
  return mirrors;
}

/**
 * Reads `apt-get … --print-uris` of packages: `'URI' name_version_architecture.deb size
 * [hash]` a line, the epoch's colon as %3a.
 */
export function parseDownloads(output: string): Download[] {
  const downloads: Download[] = [];
  for (const line of output.split("\n")) {
    const match =
      /^'[^']+' ((?<name>[^_\s/]+)_(?<version>[^_\s/]+)_(?<arch>\w+)\.deb) (?<size>\d+)/.exec(line);
    if (!match?.groups) continue;
    const { name = "", version = "", arch = "", size = "0" } = match.groups;
    downloads.push({
      name,
      version: decodeURIComponent(version),
      architecture: arch,
      file: match[1] ?? "",
      bytes: Number(size),
    });
  }
  return downloads;
}

/** One of apt's own complaints, to end a message with: one about `topic`, else an error. */
export function complaints(stderr: string, topic = /^E: /): string {
  const lines = stderr.split("\n").filter((line) => /^[EW]: /.test(line));
  const chosen = lines.find((line) => topic.test(line)) ?? lines[0];
  return chosen === undefined ? "" : ` (apt: ${chosen.slice(3).trim()})`;
}

const FULL = /No space left on device|enough free space|Disk quota exceeded/i;
const UNSIGNED = /NO_PUBKEY|not signed|GPG error|invalid signature|EXPKEYSIG|BADSIG/i;
const ALTERED = /NOSPLIT|Clearsigned file|Hash Sum mismatch|unexpected size/i;
const GONE =
  /does not have a Release file|no longer has a Release file|Unable to locate package|no installation candidate/i;
const UNREACHABLE = /resolv|connect|Network is unreachable|timed out|No route/i;

/** No network, or no mirror at the other end: trying anything else there is useless. */
export class MirrorUnreachable extends UserError {
  override readonly name = "MirrorUnreachable";
}

/** The mirror answers, and does not have it, or not any more. */
export class NotOnMirror extends UserError {
  override readonly name = "NotOnMirror";
}

/** What apt's complaint means, and how to fix it. */
export function explainApt(what: string, stderr: string, root: string): Error {
  if (FULL.test(stderr)) return noSpace(root);
  if (UNSIGNED.test(stderr)) {
    return hostError(
      `${what}: the signature is invalid${complaints(stderr, UNSIGNED)}`,
      "sudo apt-get install --only-upgrade debian-archive-keyring",
    );
  }
  if (ALTERED.test(stderr)) {
    return hostError(
      `${what}: the mirror's data was altered on the way${complaints(stderr, ALTERED)}`,
      "try again; behind a login page or a proxy, see `apt-config dump Acquire::http::Proxy`",
    );
  }
  if (UNREACHABLE.test(stderr)) {
    return new MirrorUnreachable(
      `${what}: cannot reach the mirror${complaints(stderr, UNREACHABLE)}`,
      {
        exitCode: ExitCode.HOST,
        hint: "connect to the network and try again, or XENLET_MIRROR=http://your.mirror/debian",
      },
    );
  }
  const message = `${what}: not on the mirror${complaints(stderr)}`;
  const hint = "XENLET_MIRROR=http://another.mirror/debian xenlet …";
  return GONE.test(stderr)
    ? new NotOnMirror(message, { exitCode: ExitCode.HOST, hint })
    : hostError(message, hint);
}

/** The private apt of one suite, in `folder`. */
export class PrivateApt {
  readonly #folder: string;
  readonly #suite: Suite;
  readonly #root: string;

  constructor(aptFolder: string, suite: Suite, root: string) {
    this.#folder = join(aptFolder, suite);
    this.#suite = suite;
    this.#root = root;
  }

  get #sources(): string {
    return join(this.#folder, "sources.list");
  }
  /** Touched when the lists were brought up to date. */
  get #stamp(): string {
    return join(this.#folder, "updated");
  }

  #run(args: string[], options: { signal?: AbortSignal | undefined; cwd?: string }) {
    return runApt(["--config-file", join(this.#folder, "apt.conf"), ...args], options);
  }

  async #configure(): Promise<void> {
    await mkdir(join(this.#folder, "lists", "partial"), { recursive: true });
    await mkdir(join(this.#folder, "archives", "partial"), { recursive: true });
    await writeFile(join(this.#folder, "apt.conf"), aptConfiguration(this.#folder));
    // An empty status: nothing counts as installed, so a package's closure is whole.
    await writeFile(join(this.#folder, "status"), "");
  }

  /**
   * Brings the package lists up to date unless they are (`force`: in any case). A
   * pocket (updates, security) that is not available costs one line.
   * Returns whether they were read just now. Throws UserError if the suite itself is
   * not available.
   */
  async update(
    note: (line: string) => void,
    signal?: AbortSignal,
    force = false,
  ): Promise<boolean> {
    const keyring = debianKeyring();
    if (keyring === undefined) {
      throw hostError(
        "Debian's keyring not found (needed to verify packages' signatures)",
        "sudo apt-get install debian-archive-keyring",
      );
    }
    await this.#configure();
    let failure: Error | undefined;
    for (const mirrors of await findMirrors(signal)) {
      const wanted = sourcesList(this.#suite, mirrors, keyring);
      if (!force && (await this.#isFresh(wanted))) return false;
      if (freeBytes(this.#folder) < LISTS_BYTES) throw noSpace(this.#root);
      await rm(this.#stamp, { force: true });
      await writeFile(this.#sources, wanted);
      const { stderr } = await this.#run(["update", "--quiet=2"], { signal });
      const present = await this.#suitesPresent(signal);
      if (present.has(this.#suite)) {
        for (const pocket of ["updates", "security"].map((name) => `${this.#suite}-${name}`)) {
          if (wanted.includes(` ${pocket} `) && !present.has(pocket)) {
            note(`Debian ${pocket} is not available; continuing without it${complaints(stderr)}`);
          }
        }
        // Old lists outlive a failed update: only a clean one counts.
        if (!/^[EW]: /m.test(stderr)) await writeFile(this.#stamp, "");
        return true;
      }
      failure ??= explainApt(`Debian ${this.#suite}`, stderr, this.#root);
    }
    throw failure ?? hostError(`Debian ${this.#suite}: no mirror`);
  }

  async #isFresh(wanted: string): Promise<boolean> {
    try {
      const [{ mtimeMs }, sources] = await Promise.all([
        stat(this.#stamp),
        readFile(this.#sources, "utf8"),
      ]);
      return sources === wanted && Math.abs(Date.now() - mtimeMs) < LISTS_FRESH_MS;
    } catch {
      return false;
    }
  }

  async #suitesPresent(signal?: AbortSignal): Promise<Set<string>> {
    const { stdout } = await this.#run(["indextargets", "--format", "$(RELEASE)"], { signal });
    return new Set(stdout.split("\n"));
  }

  /**
   * What it takes to have `packages`: those alone, or with `closure` everything they
   * depend on down to libc. Throws UserError if one is not available.
   */
  async plan(packages: string[], closure: boolean, signal?: AbortSignal): Promise<Download[]> {
    const { ok, stdout, stderr } = await this.#run(
      [...request(closure), "--print-uris", ...packages],
      { signal },
    );
    const downloads = parseDownloads(stdout);
    const lacking = packages.filter((name) => !downloads.some((one) => one.name === name));
    if (!ok || lacking.length > 0) {
      throw explainApt(
        `${(lacking.length > 0 ? lacking : packages).join(", ")} in Debian ${this.#suite}`,
        stderr,
        this.#root,
      );
    }
    return downloads;
  }

  /** Downloads a plan into `folder`; apt checks each file against the signed lists. */
  async download(
    packages: string[],
    closure: boolean,
    folder: string,
    signal?: AbortSignal,
  ): Promise<void> {
    await mkdir(join(folder, "partial"), { recursive: true });
    const { ok, stderr } = await this.#run(
      [
        ...request(closure),
        "--quiet=2",
        ...["--option", `Dir::Cache::archives=${folder}`],
        ...packages,
      ],
      { signal, cwd: folder },
    );
    if (!ok) throw explainApt(`downloading ${packages.join(", ")}`, stderr, this.#root);
  }
}

function request(closure: boolean): string[] {
  return closure
    ? ["install", "--yes", "--download-only", "--no-install-recommends"]
    : ["download"];
}

function aptConfiguration(folder: string): string {
  // A configuration file given on the command line is read last, so #clear reaches
  // what the machine's own files have set.
  return `Dir::State "${folder}";
Dir::State::lists "${folder}/lists";
Dir::State::status "${folder}/status";
Dir::State::extended_states "${folder}/extended_states";
Dir::Cache "${folder}";
Dir::Cache::archives "${folder}/archives";
Dir::Cache::pkgcache "${folder}/pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Log "${folder}";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Debug::NoLocking "true";
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures { "amd64"; };
APT::Default-Release "";
APT::Sandbox::User "root";
APT::Install-Suggests "false";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::GzipIndexes "true";
Acquire::Retries "1";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
`;
}
