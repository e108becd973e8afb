/** A guest's words, made harmless for where they are written. */

/**
 * On one line, and unable to steer a terminal: control characters, line ends
 * and what changes the direction of writing become escapes as in JavaScript.
 */
export function oneLine(text: string): string {
  return wellFormed(text).replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    escapeCharacter,
  );
}

/** The same for a text of several lines: line ends and tabs stay. */
export function harmlessLines(text: string): string {
  return text.replaceAll(/[^\n\t]+/g, oneLine);
}

/** Halves of surrogate pairs cannot be written as UTF-8. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

export function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return (
    NAMED[character] ??
    (code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`)
  );
}

/** "1 test", "2 tests". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** "238 ms", "2.4 s". */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}
