/**
 * An asc transform: refuses what is internal to the guest library in a program that is not part of it, with the
 * public way beside it.
 *
 * Public is what the folder says: a file of src/guest/xenlet that is not below internal/ is imported as
 * `xenlet/NAME` (index.ts as `xenlet`), and src/guest/toolstack/index.ts as `xenlet/toolstack`.
 */
import { join, resolve, sep } from "node:path";

import type { Node, Parser, Source } from "assemblyscript";

import { packageRoot } from "../../../base/package-root.js";

interface ImportOrExport extends Node {
  path: { value: string; range: Node["range"] } | null;
  declarations?: { foreignName: { text: string } }[] | null;
  members?: { localName: { text: string } }[] | null;
}

/** Whether `name` ("xenlet/raw/memory", say) may be imported by any program. */
export function isPublic(name: string): boolean {
  if (name === "xenlet" || name === "xenlet/toolstack") return true;
  return name.startsWith("xenlet/") && !/^xenlet\/(internal|toolstack)\//.test(name);
}

/** Sources that are the library themselves, or test what is inside of it. */
const INSIDERS = ["src/guest/toolstack", "test/runtime/guest"].map(
  (folder) => join(packageRoot, folder) + sep,
);

export interface Boundary {
  /** asc's --baseDir. */
  folder: string;
  /** Sources that exist for the compiler only, by asc's name for them. */
  ours: readonly string[];
  /** All files of the library, by their names without suffix. */
  names: readonly string[];
  /** The text of one of them; only asked for when something is refused. */
  libraryText: (name: string) => string;
}

/** A transform for one compilation by that compiler. */
export function publicApi(
  { DiagnosticCode, NodeKind }: typeof import("assemblyscript"),
  { folder, ours, names, libraryText }: Boundary,
): { afterParse(parser: Parser): void } {
  const kinds = new Set([NodeKind.Import, NodeKind.Export]);

  const check = (source: Source, parser: Parser): void => {
    for (const statement of source.statements) {
      if (!kinds.has(statement.kind)) continue;
      const { path, declarations, members } = statement as ImportOrExport;
      const name = path?.value.replace(/^~lib\//, "") ?? "";
      if (path === null || !name.startsWith("xenlet/") || isPublic(name)) continue;
      const wanted = [
        ...(declarations ?? []).map(({ foreignName }) => foreignName.text),
        ...(members ?? []).map(({ localName }) => localName.text),
      ];
      const places = publicPlaces(names, libraryText);
      const ways = wanted.map((each) => {
        const place = places.get(each);
        return place === undefined
          ? `${each} has no public export`
          : `import { ${each} } from "${place}"`;
      });
      parser.error(
        DiagnosticCode.User_defined_0,
        path.range,
        `"${name}" is internal to xenlet: ${ways.join("; ") || 'use "xenlet" and its named entries'}`,
      );
    }
  };

  return {
    afterParse(parser) {
      for (const source of parser.sources) {
        const { normalizedPath } = source;
        if (normalizedPath.startsWith("~lib/") || ours.includes(normalizedPath)) continue;
        const file = resolve(folder, normalizedPath);
        if (!INSIDERS.some((insider) => file.startsWith(insider))) check(source, parser);
      }
    },
  };
}

/** What each public entry exports, by name; the entry that stands first here is the one to be told. */
export function publicPlaces(
  names: Iterable<string>,
  libraryText: (name: string) => string,
): Map<string, string> {
  const entries = [...names]
    .map((name) => name.replace(/\.ts$/, ""))
    .filter((name) => isPublic(name.replace(/\/index$/, "")))
    .sort((one, other) => depth(one) - depth(other) || (one < other ? -1 : 1));
  const places = new Map<string, string>();
  for (const entry of entries)
    for (const name of exportedNames(libraryText(entry)))
      if (!places.has(name)) places.set(name, entry.replace(/\/index$/, ""));
  return places;
}

const depth = (entry: string): number =>
  entry === "xenlet/index" ? 0 : entry.includes("/raw/") ? 2 : 1;

/** The names that a file of the library exports, but for those of `export *`. */
export function exportedNames(text: string): string[] {
  const lists = [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list = ""]) =>
    list
      .split(",")
      .map((item) => item.trim().replace(/^.* as /, ""))
      .filter(Boolean),
  );
  const declared =
    /^(?:@\w+(?:\([^)]*\))?\s+)*export (?:declare )?(?:abstract )?(?:const enum|function|class|const|enum|namespace|type) (\w+)/gm;
  return [...lists, ...[...text.matchAll(declared)].map(([, name = ""]) => name)];
}
