import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { failed, passed, type Step } from "./step.js";

/**
 * What no file may name: the address of a package mirror or registry (the
 * machine's own configuration names those) and paths of somebody's machine.
 * Put together here so that this file does not name them either.
 */
const FORBIDDEN: { what: string; pattern: RegExp }[] = [
  {
    what: "a Debian mirror",
    pattern: host("(deb|security|snapshot|ftp|archive)", "debian", "org"),
  },
  { what: "a package registry", pattern: host("registry", "(npmjs|yarnpkg)") },
  { what: "a path of one machine", pattern: new RegExp(["(?<![\\w.])", "work", ""].join("/")) },
];

function host(...labels: string[]): RegExp {
  return new RegExp("\\b" + labels.join("\\."));
}

const NOT_OURS = new Set(["node_modules", "dist", "prebuilt", "coverage", ".git"]);

async function* filesBelow(directory: string): AsyncGenerator<string> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(file);
    else if (entry.isFile()) yield file;
  }
}

/** The repository speaks of itself alone: one `file:line: what it names` a finding. */
export async function findForeignNames(root: string): Promise<string[]> {
  const findings: string[] = [];
  for await (const file of filesBelow(root)) {
    const text = await readFile(file, "latin1");
    if (text.includes("\0")) continue; // an image, an archive
    for (const [index, line] of text.split("\n").entries())
      for (const { what, pattern } of FORBIDDEN)
        if (pattern.test(line))
          findings.push(`${path.relative(root, file)}:${index + 1}: names ${what}: ${line.trim()}`);
  }
  return findings;
}

export function aloneStep(name: string, title: string): Step {
  return {
    name,
    title,
    static: true,
    async run(root) {
      const findings = await findForeignNames(root);
      return findings.length === 0 ? passed() : failed(findings.join("\n"));
    },
  };
}
