/** HTML that cannot be broken by what is put into it. */
import { oneLine } from "../base/text.js";

/** Text that is markup already. */
export class Markup {
  constructor(readonly text: string) {}
}

type Piece = string | number | Markup | null | readonly Piece[];

/** A template whose pieces are escaped unless they are markup; null is nothing. */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(strings.map((text, index) => text + render(pieces[index] ?? null)).join(""));
}

function render(piece: Piece): string {
  if (piece === null) return "";
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === "object") return piece.map(render).join("");
  return escape(String(piece));
}

function escape(text: string): string {
  return oneLine(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
