/**
 * A prettier plugin for AssemblyScript: TypeScript's syntax plus decorators on
 * functions, variables and what a namespace holds (`@inline`, `@lazy`,
 * `@external(…)`), which every TypeScript parser rejects.
 *
 * Before parsing, each decorator that begins a line becomes a comment that
 * carries it; when printing, that comment becomes the decorator again, on a line
 * of its own or before its function, as it was.
 */
import * as estree from "prettier/plugins/estree";
import * as typescript from "prettier/plugins/typescript";

const MARK = "@decorator ";
/** Behind the line's indentation and decorators found before: the next decorator. */
const DECORATOR =
  /^((?:[ \t]|\/\*@decorator (?:(?!\*\/).)*\*\/)*)(@[A-Za-z_][\w.]*(?:\([^()\n]*\))?)/gm;

/** @param {string} text */
function decoratorsToComments(text) {
  let previous;
  do {
    previous = text;
    text = text.replace(DECORATOR, `$1/*${MARK}$2*/`);
  } while (text !== previous);
  return text;
}

/** @type {any} */
const base = estree;
const printer = base.printers.estree;

/** @type {Record<string, import("prettier").Parser>} */
export const parsers = {
  assemblyscript: {
    ...typescript.parsers.typescript,
    astFormat: "assemblyscript",
    preprocess: decoratorsToComments,
  },
};

/** @type {Record<string, import("prettier").Printer>} */
export const printers = {
  assemblyscript: {
    ...printer,
    printComment(path, options) {
      const { type, value } = path.node;
      return type === "Block" && value.startsWith(MARK)
        ? value.slice(MARK.length)
        : printer.printComment(path, options);
    },
  },
};
