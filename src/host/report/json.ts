/** A suite's document, for programs. */
export function jsonOf(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
