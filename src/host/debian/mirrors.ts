// Where Debian's packages are: taken from the machine's own apt configuration,
// so that its administrator's choice of mirror and proxy holds here too.

import { UserError } from "../base/errors.js";
import type { Suite } from "./releases.js";

/** The roots of Debian's two archives, without a trailing slash, as apt writes them. */
export interface Mirrors {
  archive: string;
  /** Security updates; null where the machine has no source of them. */
  security: string | null;
}

/** One repository of a sources list, as `apt-get update --print-uris` shows it. */
export interface Repository {
  uri: string;
  suite: string;
  /** Empty if apt did not say. */
  components: string[];
}

/**
 * Reads the output of `apt-get update --print-uris`, one `'URI' file size [hash]` a
 * line. It is the same for one-line and deb822 sources, and needs no package lists.
 */
export function parseIndexUris(output: string): Repository[] {
  const found = new Map<string, Repository>();
  for (const line of output.split("\n")) {
    const match = /^'([^']+?)\/+dists\/([^']+)'/.exec(line);
    if (!match) continue;
    const [, uri = "", rest = ""] = match;
    const index =
      /^(?<suite>.+?)\/(?:InRelease$|(?<component>[^/]+)\/(?:binary-[^/]+|i18n|dep11|Contents-)[^']*$)/.exec(
        rest,
      );
    const suite = index?.groups?.["suite"];
    if (suite === undefined) continue;
    const key = `${uri} ${suite}`;
    const repository = found.get(key) ?? { uri, suite, components: [] };
    found.set(key, repository);
    const component = index?.groups?.["component"];
    if (component !== undefined && !repository.components.includes(component)) {
      repository.components.push(component);
    }
  }
  return [...found.values()];
}

const DEBIAN_SUITE =
  /^(?:(?:old)*stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky|duke)(?<pocket>[-/].+)?$/;

/**
 * Debian's archives among a machine's repositories, best first. A name proves nothing
 * (others call their suites "bookworm" too), so every user of one checks that it is
 * signed by Debian, and tries the next if it is not.
 */
export function debianMirrors(repositories: Repository[]): Mirrors[] {
  const archives = new Set<string>();
  const others = new Set<string>();
  let security: string | null = null;
  for (const { uri, suite, components } of repositories) {
    const match = DEBIAN_SUITE.exec(suite);
    if (!match || uri.startsWith("cdrom:")) continue;
    if (components.length > 0 && !components.includes("main")) continue;
    const pocket = match.groups?.["pocket"];
    if (pocket === undefined) archives.add(fetchable(uri));
    else if (pocket === "-security" || pocket === "/updates") security ??= fetchable(uri);
    else others.add(fetchable(uri));
  }
  return [...new Set([...archives, ...others])].map((archive) => ({ archive, security }));
}

/** apt uses packages of a `file:` mirror in place; `copy:` brings them where others are brought. */
function fetchable(uri: string): string {
  return uri.replace(/^file:/, "copy:").replace(/\/+$/, "");
}

/**
 * XENLET_MIRROR: the archive's address and, after a space, the security archive's.
 * Null when it is not set. Throws UserError if it is not an address.
 */
export function mirrorsFromEnvironment(value: string | undefined): Mirrors | null {
  const words = (value ?? "").split(/\s+/).filter((word) => word !== "");
  const [archive, security, ...rest] = words;
  if (archive === undefined) return null;
  const wrong = words.find((word) => !/^[a-z][a-z0-9+.-]*:\/[^\s"'\\[\]]+$/i.test(word));
  if (wrong !== undefined || rest.length > 0) {
    throw new UserError(
      `XENLET_MIRROR is "${value ?? ""}": expected the address of a Debian archive` +
        " and, after a space, of its security archive if wanted",
      {
        hint: "XENLET_MIRROR='http://mirror.example/debian http://mirror.example/debian-security'",
      },
    );
  }
  return {
    archive: fetchable(archive),
    security: security === undefined ? null : fetchable(security),
  };
}

/**
 * A sources list of one suite: only amd64, only package lists, never anything whose
 * signature by `keyring` does not hold, whatever the machine's configuration allows.
 */
export function sourcesList(suite: Suite, mirrors: Mirrors, keyring: string): string {
  const options = [
    "arch=amd64",
    "lang=none",
    "target=Packages",
    "pdiffs=no",
    `signed-by=${keyring}`,
    "allow-insecure=no",
    "allow-weak=no",
    "allow-downgrade-to-insecure=no",
  ].join(" ");
  const line = (uri: string, name: string) => `deb [${options}] ${uri} ${name} main\n`;
  return (
    line(mirrors.archive, suite) +
    line(mirrors.archive, `${suite}-updates`) +
    (mirrors.security === null ? "" : line(mirrors.security, `${suite}-security`))
  );
}
