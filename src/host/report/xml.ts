/** XML as JUnit's reports have it: attributes and text, whatever is in them. */
import { escapeCharacter, wellFormed } from "../base/text.js";

export function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

export function attributes(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([key, value]) => ` ${key}="${attribute(String(value))}"`)
    .join("");
}

/** White space in an attribute becomes a blank when it is read, unless it is escaped. */
function attribute(text: string): string {
  return content(text).replaceAll('"', "&quot;").replaceAll("\t", "&#9;").replaceAll("\n", "&#10;");
}

export function content(text: string): string {
  return (
    wellFormed(text)
      // XML 1.0 cannot hold these in any form.

      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, escapeCharacter)
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll("\r", "&#13;")
  );
}
