// What passes between a thread of asc's and the rest.

import type { TestSite } from "./transform/test-sites.js";

/** One compilation. */
export interface Job {
  /** The folder of the compiler's package. */
  compiler: string;
  /** The digest of its files, where a copy may take its place: no transform has loaded the package itself. */
  mayCopy?: string;
  version: string;
  /** asc's base folder: the guest's. */
  folder: string;
  /** asc's arguments, but for --baseDir. */
  args: string[];
  /** Library files by name, instead of asc's own or beside them. */
  library: ReadonlyMap<string, string>;
  /** Sources that are no files, by name. */
  virtualFiles: ReadonlyMap<string, string>;
  /** The function of the collector that looks at the shadow stack, if it is not asc's. */
  collectorStep?: string;
}

/** What begins the name of a library file that was looked for. */
export const LIBRARY_LOOK = "~lib/";

/**
 * What a compilation looked for: a path relative to the guest's folder, or the name of a library file behind `~lib/`;
 * with the digest of what it found, or null if there was nothing.
 */
export type Look = [path: string, digest: string | null];

export interface CompileResult {
  wasm: Uint8Array;
  /** The Wasm source map, as JSON. */
  sourceMap: string;
  /** Where the sources have tests, in the order of the files and lines. */
  tests: TestSite[];
}

export interface Compiled extends CompileResult {
  looks: Look[];
  /** Whether the looks are all that decides about the result. */
  complete: boolean;
}

/** How a compilation ends, unless the thread itself does. */
export type Outcome =
  | { type: "compiled"; compiled: Compiled }
  /** Messages of asc's about the sources. */
  | { type: "refused"; messages: string[]; looks: Look[] }
  /** A sentence about something else: a configuration, a transform. */
  | { type: "failed"; message: string; hint?: string };
