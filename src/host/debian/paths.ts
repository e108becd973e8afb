// The cache: what is where in it.
//
//   sets/NAME/manifest.json   what was unpacked, from which packages, with checksums
//   sets/NAME/tree/           the unpacked packages
//   files/                    hypervisors that a user gave compressed
//   apt/SUITE/                a private apt: configuration, package lists
//   objects/                  C and assembly compiled for images
//   tmp/                      what is being made; renamed into place when it is whole
//   lock                      held while something is being made

import { accessSync, constants, statfsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { cacheFolder } from "../cache/cache-folder.js";
import { explainCacheError, hostTrouble } from "./host-error.js";

export class CachePaths {
  readonly root: string;
  readonly sets: string;
  readonly files: string;
  readonly apt: string;
  readonly objects: string;
  readonly temporary: string;
  readonly lock: string;

  /** Throws UserError for a location that apt.conf, ld.so or QEMU's options could not name. */
  constructor(root: string = cacheFolder()) {
    this.root = resolve(root);
    const wrong = /[":;,\\\n]/.exec(this.root);
    if (wrong) {
      throw hostTrouble(
        `the cache cannot be in ${this.root}: its path may not contain ${JSON.stringify(wrong[0])}`,
        "XENLET_CACHE=/a/plain/path xenlet …",
      );
    }
    this.sets = join(this.root, "sets");
    this.files = join(this.root, "files");
    this.apt = join(this.root, "apt");
    this.objects = join(this.root, "objects");
    this.temporary = join(this.root, "tmp");
    this.lock = join(this.root, "lock");
  }

  /** Makes the folders. Throws UserError if the cache cannot be written. */
  async create(): Promise<void> {
    try {
      for (const folder of [this.sets, this.files, this.apt, this.temporary]) {
        await mkdir(folder, { recursive: true });
      }
    } catch (error) {
      throw explainCacheError(error, this.root);
    }
  }
}

function nearestExisting(folder: string): string {
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    try {
      accessSync(candidate, constants.F_OK);
      return candidate;
    } catch {
      if (candidate === dirname(candidate)) return candidate;
    }
  }
}

/** Bytes that this user may still write below `folder`, which need not exist yet. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(nearestExisting(folder));
  return bavail * bsize;
}

/** Whether this user can write in `folder`, or make it. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(nearestExisting(folder), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** "12 MB": decimal, as disks and downloads are counted. */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} MB`;
}
