// The statements of one function, each with the place in the source that it comes from, as two texts: one to be read,
// and one for gcc, with a #line where the place changes.

import type { Place } from "./lines.js";

interface Statement {
  text: string;
  indent: number;
  place: Place | null;
}

export interface FunctionText {
  plain: string;
  /** Equal to `plain` where no place is known. */
  lined: string;
}

const same = (a: Place | null, b: Place | null): boolean =>
  a?.line === b?.line && a?.file === b?.file;

export class Statements {
  readonly #all: Statement[] = [];

  add(text: string, indent: number, place: Place | null): void {
    this.#all.push({ text, indent, place });
  }

  /** With what stands before and behind them; `line`: the number of the first line of `before` in the plain file. */
  compose(before: string, after: string, file: string, line: number): FunctionText {
    const plain = [before];
    for (const { text, indent } of this.#all) plain.push("  ".repeat(indent) + text);
    plain.push(after);
    const whole = plain.join("\n");
    if (this.#all.every(({ place }) => place === null)) return { plain: whole, lined: whole };
    const at = ({ line, file }: Place): string => `#line ${line} ${JSON.stringify(file)}`;
    // What stands before the first place is a part of its line, so that a debugger steps from one line of the source to the next.
    let last: Place = this.#all.find(({ place }) => place !== null)?.place ?? { line, file };
    const lined = [at(last), before.replaceAll("\n", " ")];
    // All that comes from one line is one line of C, since gcc counts on from a #line.
    let waiting = [lined.pop() ?? ""];
    for (const { text, place } of this.#all) {
      if (place !== null && !same(last, place)) {
        lined.push(waiting.join(" "), at(place));
        waiting = [];
        last = place;
      }
      waiting.push(text);
    }
    lined.push(waiting.join(" ") + ` ${after}`);
    // gcc counts on from a #line, and what follows is not the source's.
    lined.push(at({ line: line + newlines(whole), file }));
    return { plain: whole, lined: lined.join("\n") };
  }
}

/** How many there are. */
export function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
