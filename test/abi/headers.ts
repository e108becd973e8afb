// Xen's public headers as each suite of Debian's has them.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import {
  NotOnMirror,
  XEN_RELEASES,
  providePackages,
  suiteOf,
  type XenRelease,
} from "../../src/host/debian/index.js";
import { createProgress } from "../../src/host/base/progress.js";
import { evaluateC } from "./evaluate.js";
import { BEGINNINGS, HEADERS, SINCE, inXensTerms, structureOf } from "./terms.js";

/** Our names with Xen's values, for those that Xen's headers have. */
export type Values = Map<string, bigint>;

export class Headers {
  readonly #flags: string[];
  readonly #preamble: string;

  constructor(
    readonly release: XenRelease,
    private readonly root: string,
  ) {
    this.#flags = ["-I", join(root, "usr/include"), "-D__XEN_TOOLS__"];
    this.#preamble = [
      "#include <stddef.h>",
      "#include <stdint.h>",
      "#include <elf.h>",
      ...HEADERS.map((header) => `#include <xen/${header}>`),
    ].join("\n");
  }

  async evaluate(expressions: string[]): Promise<Values> {
    return evaluateC(this.#preamble, expressions, this.#flags);
  }

  /** What no expression can ask for. */
  async text(header: string): Promise<string> {
    return readFile(join(this.root, "usr/include/xen", header), "utf8");
  }

  /** Whether this release may lack the name. */
  isTooOldFor(name: string): boolean {
    const since = SINCE[name.split(".")[0] ?? ""];
    return since !== undefined && XEN_RELEASES.indexOf(this.release) < XEN_RELEASES.indexOf(since);
  }

  async constants(names: string[]): Promise<Values> {
    const values = await this.evaluate([...new Set(names.map(inXensTerms))]);
    return pick(
      names.map((name) => [name, inXensTerms(name)]),
      values,
    );
  }

  /** `structure`: its size; `structure.field`: an offset. */
  async layouts(structures: Map<string, { fields: string[] }>): Promise<Values> {
    const expressions: [string, string][] = [];
    for (const [name, { fields }] of structures) {
      const structure = structureOf(name);
      const end = BEGINNINGS[name];
      if (end === undefined) expressions.push([name, `sizeof(${structure})`]);
      else if (end !== null) expressions.push([name, `offsetof(${structure}, ${end})`]);
      for (const field of fields)
        expressions.push([`${name}.${field}`, `offsetof(${structure}, ${field})`]);
    }
    return pick(expressions, await this.evaluate(expressions.map(([, theirs]) => theirs)));
  }
}

function pick(pairs: [ours: string, theirs: string][], values: Values): Values {
  return new Map(
    pairs.flatMap(([ours, theirs]) => {
      const value = values.get(theirs);
      return value === undefined ? [] : [[ours, value] as const];
    }),
  );
}

/** libxen-dev of the suite that has this Xen; null, and one line on stderr, where no mirror has it any more. */
export async function headersOf(release: XenRelease): Promise<Headers | null> {
  const suite = suiteOf(release);
  try {
    const progress = createProgress(process.stderr, { quiet: true });
    return new Headers(release, (await providePackages(["libxen-dev"], suite, progress)).root);
  } catch (error) {
    if (!(error instanceof NotOnMirror)) throw error;
    process.stderr.write(`no headers of Xen ${release}: ${error.message}\n`);
    return null;
  }
}
