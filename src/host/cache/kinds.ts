// What the cache can hold. Each kind is declared here and nowhere else: how it is listed, limited, verified and
// pruned follows from this table.

/** How much of a kind is kept. When it is more, what was used least recently goes first. */
export interface Limit {
  entries?: number;
  /** Of all entries together. */
  bytes?: number;
}

export interface Kind {
  /** As lists name it, in the plural; --json has it too. */
  readonly name: string;
  /** Below the cache's root; no other kind has it. */
  readonly folder: string;
  /**
   * `entries`: each is a folder of its own, made whole and described by a manifest, so it can be verified.
   * `files`: what its owner writes and changes itself. It is listed, limited and pruned only.
   */
  readonly holds: "entries" | "files";
  /** Whether `cache prune` keeps what is sound of it: what has to be downloaded again. `--all` keeps nothing. */
  readonly kept?: true;
  readonly limit?: Limit;
  /** The package brings entries of it along (shipped.ts), which are used in place. */
  readonly shipped?: true;
}

const MiB = 2 ** 20;

export const KINDS = {
  /** Debian packages, unpacked together; src/host/debian/sets.ts. */
  packages: { name: "packages", folder: "sets", holds: "entries", kept: true },
  /** A private apt for each suite: configuration and package lists. */
  packageLists: { name: "package lists", folder: "apt", holds: "files" },
  /** Hypervisors that a user named and that had to be uncompressed. */
  hypervisors: {
    name: "hypervisors",
    folder: "hypervisors",
    holds: "entries",
    limit: { entries: 16 },
  },
  /** C and assembly of boot/ and runtime/, compiled. */
  bootObjects: {
    name: "boot objects",
    folder: "boot-objects",
    holds: "entries",
    limit: { entries: 16 },
    shipped: true,
  },
  /** AssemblyScript's compiler, in a form that is loaded sooner; src/host/build/asc/quick-compiler.ts. */
  compilers: { name: "compilers", folder: "compilers", holds: "entries", limit: { entries: 2 } },
  /** Build stages of guests. */
  compiled: {
    name: "compiled guests",
    folder: "compiled",
    holds: "entries",
    limit: { bytes: 96 * MiB },
  },
  traces: {
    name: "compilations' inputs",
    folder: "traces",
    holds: "entries",
    limit: { bytes: 16 * MiB },
  },
  lowered: {
    name: "lowered guests",
    folder: "lowered",
    holds: "entries",
    limit: { bytes: 192 * MiB },
  },
  /** What the conformance suite's sources declare: reading it takes asc's parser, and a second. */
  checkLists: {
    name: "check lists",
    folder: "check-lists",
    holds: "entries",
    limit: { entries: 8 },
  },
  /** Images of the programs that Xen boots as dom0. */
  toolstack: {
    name: "toolstack images",
    folder: "toolstack-images",
    holds: "entries",
    limit: { entries: 8 },
    shipped: true,
  },
  /** Machines with Xen up, as QEMU saves them, and their memory, with holes; each takes up 26 MB and more. */
  machines: {
    name: "saved machines",
    folder: "machines",
    holds: "entries",
    limit: { entries: 16, bytes: 512 * MiB },
  },
  /** Initramfs of Debian's dom0. */
  dom0: { name: "dom0 images", folder: "dom0-images", holds: "entries", limit: { entries: 12 } },
  /** Libraries for xl's LD_PRELOAD. */
  preload: { name: "xl preloads", folder: "preload", holds: "entries", limit: { entries: 8 } },
  /** Images that `--dry-run` named, and links to images whose paths QEMU cannot take. */
  images: { name: "kept images", folder: "images", holds: "files", limit: { entries: 64 } },
  logs: { name: "logs", folder: "logs", holds: "files", limit: { entries: 100 } },
} as const satisfies Record<string, Kind>;

export const ALL_KINDS: readonly Kind[] = Object.values(KINDS);

/** Folders of versions before the kinds above; they are pruned, and otherwise left to who may still use them. */
export const FORMER_FOLDERS = ["files", "objects", "stages", "toolstack", "dom0", "tmp"] as const;
