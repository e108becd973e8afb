/** TAP's own forms, version 14 (testanything.org/tap-version-14-specification.html). */
import { oneLine, wellFormed } from "../text.js";

/** A test point's lines, given its number. */
export type Point = (number: number) => string[];

export type Entry = [
  key: string,
  value: string | number | string[] | { file: string; line: number },
];

export function subtest(name: string, failed: boolean, points: Point[], number: number): string[] {
  return [
    `# Subtest: ${description(name)}`,
    ...[`1..${points.length}`, ...points.flatMap((point, index) => point(index + 1))].map(
      (line) => `    ${line}`,
    ),
    `${failed ? "not ok" : "ok"} ${number} - ${description(name)}`,
  ];
}

export function listOf(key: string, values: string[]): Entry[] {
  return values.length === 0 ? [] : [[key, values]];
}

/** A YAML block: JSON is YAML, once what YAML does not take as it stands is escaped. */
export function diagnostics(entries: Entry[]): string[] {
  if (entries.length === 0) return [];
  return ["  ---", ...entries.map(([key, value]) => `  ${key}: ${yaml(value)}`), "  ..."];
}

function yaml(value: Entry[1]): string {
  const json = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "string" ? wellFormed(item) : item,
  );
  // Beyond JSON's own: YAML's "printable" leaves out DEL, C1 and two more, and takes three others for line ends.
  return json.replaceAll(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** On one line, with the two characters escaped that mean something there. */
export function description(text: string): string {
  return oneLine(text.replaceAll(/[\\#]/g, "\\$&")).trim();
}
