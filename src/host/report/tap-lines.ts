/** TAP's own forms, version 14 (testanything.org/tap-version-14-specification.html). */
import type { Fact } from "./model.js";
import { oneLine, wellFormed } from "../base/text.js";

/** A YAML block: JSON is YAML, once what YAML does not take as it stands is escaped. */
export function diagnostics(facts: Fact[]): string[] {
  if (facts.length === 0) return [];
  return ["  ---", ...facts.map(([key, value]) => `  ${key}: ${yaml(value)}`), "  ..."];
}

function yaml(value: Fact[1]): string {
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
