/**
 * One page that shows it all: no network, no other file, readable without its script.
 * Its policy admits exactly the style and the script that are in it.
 */
import { createHash } from "node:crypto";
import { html, Markup } from "./markup.js";

export interface PageParts {
  title: string;
  /** The command that made it. */
  generator: string;
  style: string;
  script?: string;
  body: Markup;
}

/** The document's text. */
export function pageOf({ title, generator, style, script, body }: PageParts): string {
  const policy =
    `default-src 'none'; img-src data:; style-src ${hash(style)}; ` +
    `${script === undefined ? "" : `script-src ${hash(script)}; `}base-uri 'none'; form-action 'none'`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="${generator}" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        ${element("style", style)}
      </head>
      <body>
        ${body} ${script === undefined ? null : element("script", script)}
      </body>
    </html>`;
  return `${page.text}\n`;
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** Not through the template: what the policy's hash is of must not change by a blank. */
function element(name: "style" | "script", text: string): Markup {
  return new Markup(`<${name}>${text}</${name}>`);
}
