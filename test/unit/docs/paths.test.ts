// Files that docs and comments name. What it shows: each path that a page or a comment names below one of this tree's folders is
// there, each relative link of a page leads to a file, and to a heading of it where it names one; and docs/architecture.md has
// every folder. Why it matters: a path that has moved sends a reader to nothing, and whoever moves it does not notice. How it would
// fail: a renamed file or heading, a folder that is new.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const { stdout } = await promisify(execFile)("git", [
  ...["ls-files", "--cached", "--others", "--exclude-standard"],
]);
const files = stdout.split("\n").filter((file) => file !== "");
const folders = new Set(
  files.flatMap((file) => {
    const parts = file.split("/").slice(0, -1);
    return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
  }),
);
const known = new Set([...files, ...folders]);
const top = [...folders].filter((folder) => !/[/.]/.test(folder));
const pages = files.filter((file) => file.endsWith(".md"));

/** Built, not kept: there once `make` has been run. */
const MADE = /^xl\/preload\/soft_reset\.so$/;
/** What can be read as a path of ours is one; Xen's documents, which have our names at times, are in no folder of ours. */
const NAMED = new RegExp(
  String.raw`(?<![\w./~@-])((?:${top.join("|")})(?:/[\w.-]+)*/[\w-]+(?:\.\w+)+)`,
  "g",
);

/** Paths in `text` that nothing stands behind. */
function gone(text: string): string[] {
  return [...text.matchAll(NAMED)]
    .map(([, path = ""]) => path)
    .filter(
      (path) => folders.has(path.split("/").slice(0, 2).join("/")) || path.split("/").length === 2,
    )
    .filter(
      (path) =>
        !known.has(path) && !MADE.test(path) && !files.some((file) => file.startsWith(`${path}.`)),
    );
}

/** Only what a person reads of a source: a string in it may name any path of a user's. */
function commentsOf(text: string): string {
  return text
    .split("\n")
    .filter((line) => /^\s*(?:\/\/|\/?\*|# )/.test(line))
    .join("\n");
}

test("what a page names is there", async () => {
  const found: string[] = [];
  for (const page of pages)
    for (const path of gone(await readFile(page, "utf8"))) found.push(`${page}: ${path}`);
  expect(found).toEqual([]);
});

test("what a comment names is there", async () => {
  const found: string[] = [];
  const sources = files.filter(
    (file) =>
      /\.(?:ts|js|c|h|S|sh|yml)$|Makefile$/.test(file) && !file.startsWith("test/fixtures/"),
  );
  for (const source of sources)
    for (const path of gone(commentsOf(await readFile(source, "utf8"))))
      found.push(`${source}: ${path}`);
  expect(found).toEqual([]);
});

test("a path that is gone would be found", () => {
  expect(gone("see `src/host/boot/whereabouts.ts`.")).toEqual(["src/host/boot/whereabouts.ts"]);
  expect(commentsOf('const a = "src/a.ts";\n  // see it')).toBe("  // see it");
});

/** A heading's anchor, as GitHub and GitLab make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

/** The second of a name is name-1, and so on. */
function numbered(headings: string[]): Set<string> {
  const seen = new Map<string, number>();
  return new Set(
    headings.map((heading) => {
      const before = seen.get(heading) ?? 0;
      seen.set(heading, before + 1);
      return before === 0 ? heading : `${heading}-${before}`;
    }),
  );
}

test("each link leads somewhere", async () => {
  const anchors = new Map<string, Set<string>>();
  for (const page of pages) {
    const text = (await readFile(page, "utf8")).replace(/^```.*?^```$/gms, "");
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    anchors.set(page, numbered(headings));
  }
  const dead: string[] = [];
  for (const page of pages) {
    const text = (await readFile(page, "utf8")).replace(/^```.*?^```$/gms, "");
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : normalize(join(dirname(page), path)).replace(/\/$/, "");
      if (!known.has(file)) dead.push(`${page}: ${target}`);
      else if (anchor !== undefined && anchors.get(file)?.has(anchor) !== true)
        dead.push(`${page}: ${target}`);
    }
  }
  expect(dead).toEqual([]);
});

test("the map has every folder", async () => {
  const map = await readFile("docs/architecture.md", "utf8");
  const wanted = [...folders].filter(
    (folder) =>
      /^(?:boot|linker|examples|test|bench|scripts)$/.test(folder) ||
      /^(?:xl|runtime\/\w+|src\/guest\/\w+|src\/host\/\w+)$/.test(folder),
  );
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted.filter((folder) => !map.includes(`${folder}/`))).toEqual([]);
});
