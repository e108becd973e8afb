// asc's messages, with one line of help under the ones that everybody meets who comes from JavaScript.

/** One message of asc's, as it writes it: the message, the source line and what of it is marked, the place. */
interface Diagnostic {
  /** TS2304, AS100, … */
  code: string;
  message: string;
  /** The source line. */
  line: string;
  /** The marked part of it. */
  marked: string;
  /** The line before the marked part. */
  before: string;
}

interface Rule {
  code: string;
  when: (diagnostic: Diagnostic) => boolean;
  help: string;
}

/** A name that a guest does not have. */
const missing = (name: RegExp, help: string): Rule => ({
  code: "TS2304",
  when: ({ message }) => name.test(/^Cannot find name '(.*)'/.exec(message)?.[1] ?? ""),
  help,
});
/** A part of the language that asc knows, and does not compile. */
const unimplemented = (what: RegExp, help: string): Rule => ({
  code: "AS100",
  when: ({ message }) => what.test(message),
  help,
});
/** A part of the language that asc does not know: its message tells about the token behind. */
const syntax = (code: string, when: Rule["when"], help: string): Rule => ({ code, when, help });

const ASYNC =
  "async, await and Promise do not exist here: use callbacks (setTimeout, an event's handler) or blocking calls (sched.poll)";
const UNION =
  "a variable has one type; `T | null` is the only union, and only for objects. Overloads or a common base class do the rest";
const OPTIONAL =
  "`?.` and `??` do not exist here: test for null first, as in `p !== null ? p.x : other`";

/** The first that fits is taken. */
const RULES: readonly Rule[] = [
  unimplemented(
    /Closures/,
    "a function cannot use the local variables of the one around it: make them global, fields of a class, or pass them as arguments",
  ),
  unimplemented(
    /Iterators/,
    "for-of does not exist here: for (let i = 0; i < list.length; i++) { const item = list[i]; … }; a Map or Set has .keys() and .values(), which are arrays",
  ),
  unimplemented(
    /Exceptions/,
    "try/catch does not exist here: throw ends the guest; return an error code or null instead, and test for it",
  ),
  unimplemented(
    /Regular expressions/,
    "RegExp does not exist here: use indexOf, startsWith, split, replaceAll and charCodeAt of String",
  ),
  unimplemented(
    /Spread operator/,
    "spread does not exist here: list.concat(other), list.slice(), or push in a loop",
  ),
  unimplemented(/union types/, UNION),
  unimplemented(
    /Interface hidden classes/,
    "an interface has no object literals: make it a class, which has",
  ),
  missing(
    /^JSON$/,
    "JSON does not exist here; the npm package assemblyscript-json works in a guest",
  ),
  missing(
    /^RegExp$/,
    "RegExp does not exist here: use indexOf, startsWith, split, replaceAll and charCodeAt of String",
  ),
  missing(/^Promise$/, ASYNC),
  missing(
    /^any$|^unknown$|^object$/,
    "a variable has one type, which is known when it is compiled: name it",
  ),
  missing(
    /^require$/,
    'require does not exist here: import { name } from "./file", of AssemblyScript files or packages',
  ),
  missing(
    /^(?:fetch|XMLHttpRequest|WebSocket|Buffer|document|window|global|queueMicrotask|setImmediate)$/,
    'this belongs to Node or a browser; what a guest has is in "xenlet", AssemblyScript\'s standard library, console and process',
  ),
  {
    code: "TS6054",
    when: ({ message }) => message.includes(".js.ts' not found"),
    help: "import it without .js: a guest is made of AssemblyScript files",
  },
  {
    code: "TS6054",
    when: ({ message }) =>
      /~lib\/node:|~lib\/(?:fs|path|os|util|events|http|net|assert|crypto)(?:\/|\.ts')/.test(
        message,
      ),
    help: "Node's modules do not exist here; what a guest has is in \"xenlet\", AssemblyScript's standard library, console and process",
  },
  {
    code: "TS6054",
    when: ({ message }) => message.includes("'~lib/"),
    help: "packages are looked for in node_modules beside the guest and above it, and have to be written in AssemblyScript (with an assembly/ or index.ts)",
  },
  {
    code: "TS2322",
    when: ({ message, before }) =>
      /^Type '(?:[iu]\d+|[iu]size|f\d+|bool)' is not assignable to type '~lib\/string\/String'/.test(
        message,
      ) && /[+]\s*$|console\.\w+\($/.test(before),
    help: "a number does not become text by itself: x.toString(), or `${x}` in a template",
  },
  {
    code: "TS2322",
    when: ({ message }) => message.startsWith("Type '<object>' is not assignable to type 'auto'"),
    help: "an object literal needs a class: class Point { x: i32 = 0; } const p: Point = { x: 1 };",
  },
  {
    code: "TS2322",
    when: ({ message }) => {
      const [, from = "", to = ""] =
        /^Type '(.+) \| null' is not assignable to type '(.+)'/.exec(message) ?? [];
      return from !== "" && from === to;
    },
    help: "it may be null: test it first (if (p !== null) …; asc remembers that for local variables), or write p!",
  },
  {
    code: "AS200",
    when: () => true,
    help: "convert it by name, as in <i32>x or x as i32, which may lose digits",
  },
  ...["TS1109", "TS1005"].map((code) =>
    syntax(
      code,
      ({ line }) => /^\s*(?:export\s+)?async\b|\basync\s+function\b|\bawait\s/.test(line),
      ASYNC,
    ),
  ),
  syntax("TS1109", ({ line }) => /\?\.|\?\?/.test(line), OPTIONAL),
  syntax(
    "TS1003",
    ({ line }) => /\bfunction\s*\*/.test(line),
    "generators do not exist here: a class with a next() method does the same",
  ),
  syntax(
    "TS1003",
    ({ line }) => /\b(?:const|let|var)\s*[[{]/.test(line),
    "destructuring does not exist here: const x = point.x;",
  ),
  syntax(
    "TS1155",
    ({ line }) => /\bfor\s*\(\s*(?:const|let|var)\s+\w+\s+in\b/.test(line),
    "for-in does not exist here: Map.keys() is an array",
  ),
  syntax(
    "TS1351",
    ({ line }) => /\d+n\b/.test(line),
    "BigInt does not exist here: i64 and u64 are integers of 64 bits",
  ),
  syntax(
    "TS1110",
    ({ message }) => message.startsWith("Type expected"),
    "parameters and fields need a type, as in (x: i32): i32",
  ),
  syntax(
    "TS1140",
    ({ line }) => line.includes("=>"),
    "the call needs its type, as in list.map<i32>((v) => v * 2)",
  ),
];

const HELP = "help: ";

/** `text`: one message, with the lines that asc shows under it. With help where there is some. */
export function withHelp(text: string): string {
  const diagnostic = parseDiagnostic(text);
  const rule =
    diagnostic === null
      ? undefined
      : RULES.find(({ code, when }) => code === diagnostic.code && when(diagnostic));
  return rule === undefined ? text : `${text.trimEnd()}\n   ${HELP}${rule.help}\n\n`;
}

/** Several messages: each kind of help once, behind the first that it is for. */
export function withHelpOnce(texts: readonly string[]): string[] {
  const given = new Set<string>();
  return texts.map((text) => {
    const helped = withHelp(text);
    const help = helped.slice(text.trimEnd().length);
    if (help.trim() === "" || given.has(help)) return text;
    given.add(help);
    return helped;
  });
}

function parseDiagnostic(text: string): Diagnostic | null {
  const head = /^ERROR ((?:TS|AS)\d+): (.*)$/m.exec(text);
  if (head === null) return null;
  const line = /^ *\d+ │ (.*)$/m.exec(text)?.[1] ?? "";
  const marks = /^ *│ ( *)([~^]+)/m.exec(text);
  const start = marks?.[1]?.length ?? 0;
  const length = marks?.[2]?.length ?? 0;
  return {
    code: head[1] ?? "",
    message: head[2] ?? "",
    line,
    marked: line.slice(start, start + length),
    before: line.slice(0, start),
  };
}
