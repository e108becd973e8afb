// Reads a .wast script: modules, and what is asserted of them. Modules stay text, which wat2wasm reads.
// https://github.com/WebAssembly/spec/blob/main/interpreter/README.md#scripts

/** A list, an atom or a string; `start` and `end` are its place in the script. */
export interface Node {
  /** Of a list. */
  items: Node[] | null;
  /** Of an atom or a string, as it is written. */
  atom: string;
  start: number;
  end: number;
}

export interface ModuleText {
  /** `$M`, or empty. */
  name: string;
  form: "text" | "binary" | "quote";
  /** The whole `(module …)`. */
  text: string;
  /** Of a binary or quoted one: its strings' bytes. */
  bytes: Buffer;
}

export interface Action {
  kind: "invoke" | "get";
  /** Of a module by name; empty: of the last one. */
  instance: string;
  name: string;
  /** As texts: `(i32.const 1)`. */
  arguments: string[];
}

export type Command = { line: number } & (
  | { kind: "module"; module: ModuleText }
  | { kind: "register"; as: string; instance: string }
  | { kind: "action"; action: Action }
  | { kind: "return"; action: Action; results: string[] }
  | { kind: "trap"; action: Action; message: string }
  | { kind: "start-trap"; module: ModuleText; message: string }
  | { kind: "refused"; module: ModuleText; message: string; how: string }
  | { kind: "unknown"; what: string }
);

const TOKEN =
  /\s+|;;[^\n]*|\(;|\(@|[()]|"(?:[^"\\]|\\[^])*"|[^\s()";]+(?:"(?:[^"\\]|\\[^])*"[^\s()";]*)*/gy;

/** Where a block comment that begins at `at` ends; they nest. */
function endOfComment(text: string, at: number): number {
  const marks = /\(;|;\)/g;
  marks.lastIndex = at;
  let depth = 0;
  for (let found = marks.exec(text); found; found = marks.exec(text)) {
    depth += found[0] === "(;" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** The script's lists. Throws, with the line, for a text that is none. */
export function parse(text: string): Node[] {
  const root: Node = { items: [], atom: "", start: 0, end: text.length };
  const open: Node[] = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) throw new Error(`line ${lineAt(text, start)}: not read`);
    if (token === "(;") {
      TOKEN.lastIndex = endOfComment(text, start);
      continue;
    }
    if (/^\s/.test(token) || token.startsWith(";;")) continue;
    const node: Node = { items: null, atom: token, start, end: TOKEN.lastIndex };
    if (token === "(" || token === "(@") {
      node.items = [];
      open.at(-1)?.items?.push(node);
      open.push(node);
    } else if (token === ")") {
      const closed = open.pop();
      if (closed === undefined || open.length === 0)
        throw new Error(`line ${lineAt(text, start)}: a parenthesis that closes nothing`);
      closed.end = TOKEN.lastIndex;
    } else open.at(-1)?.items?.push(node);
  }
  if (open.length > 1) throw new Error(`line ${lineAt(text, open.at(-1)?.start ?? 0)}: not closed`);
  return root.items ?? [];
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

const SIMPLE_ESCAPES: Record<string, number> = {
  t: 9,
  n: 10,
  r: 13,
  '"': 34,
  "'": 39,
  "\\": 92,
};

/** The bytes of a string as it is written. */
export function stringBytes(atom: string): Buffer {
  const parts: Buffer[] = [];
  for (const [, plain, unicode, hex, simple] of atom
    .slice(1, -1)
    .matchAll(/([^\\]+)|\\u\{([0-9a-fA-F_]+)\}|\\([0-9a-fA-F]{2})|\\([^])/g)) {
    if (plain !== undefined) parts.push(Buffer.from(plain));
    else if (unicode !== undefined)
      parts.push(Buffer.from(String.fromCodePoint(parseInt(unicode.replaceAll("_", ""), 16))));
    else if (hex !== undefined) parts.push(Buffer.from(hex, "hex"));
    else parts.push(Buffer.of(SIMPLE_ESCAPES[simple ?? ""] ?? 63));
  }
  return Buffer.concat(parts);
}

const head = (node: Node | undefined): string => node?.items?.[0]?.atom ?? "";
const isString = (node: Node): boolean => node.items === null && node.atom.startsWith('"');

class Reader {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  #source(node: Node): string {
    return this.#text.slice(node.start, node.end);
  }

  #name(node: Node | undefined): string {
    return node?.items === null && node.atom.startsWith("$") ? node.atom : "";
  }

  #module(node: Node): ModuleText {
    const [, ...rest] = node.items ?? [];
    const name = this.#name(rest[0]);
    const form = rest[name === "" ? 0 : 1]?.atom;
    const strings = rest.filter(isString);
    return {
      name,
      form: form === "binary" || form === "quote" ? form : "text",
      text: this.#source(node),
      bytes: Buffer.concat(
        strings.flatMap(({ atom }, at) => [
          ...(at > 0 && form === "quote" ? [Buffer.from(" ")] : []),
          stringBytes(atom),
        ]),
      ),
    };
  }

  #action(node: Node): Action {
    const [kind, ...rest] = node.items ?? [];
    const instance = this.#name(rest[0]);
    const [name, ...values] = instance === "" ? rest : rest.slice(1);
    return {
      kind: kind?.atom === "get" ? "get" : "invoke",
      instance,
      name: stringBytes(name?.atom ?? '""').toString("latin1"),
      arguments: values.map((value) => this.#source(value)),
    };
  }

  command(node: Node): Command {
    const line = lineAt(this.#text, node.start);
    const [keyword, first, ...rest] = node.items ?? [];
    const message = stringBytes(rest.find(isString)?.atom ?? '""').toString();
    const unknown = { line, kind: "unknown", what: head(node) } as const;
    if (head(node) === "module") {
      const special = ["definition", "instance"].includes(first?.atom ?? "");
      return special ? unknown : { line, kind: "module", module: this.#module(node) };
    }
    if (first === undefined) return unknown;
    switch (keyword?.atom) {
      case "register":
        return {
          line,
          kind: "register",
          as: stringBytes(first.atom).toString("latin1"),
          instance: this.#name(rest[0]),
        };
      case "invoke":
      case "get":
        return { line, kind: "action", action: this.#action(node) };
      case "assert_return":
        return {
          line,
          kind: "return",
          action: this.#action(first),
          results: rest.map((value) => this.#source(value)),
        };
      case "assert_trap":
      case "assert_exhaustion":
        return head(first) === "module"
          ? { line, kind: "start-trap", module: this.#module(first), message }
          : { line, kind: "trap", action: this.#action(first), message };
      case "assert_invalid":
      case "assert_malformed":
      case "assert_unlinkable":
        return { line, kind: "refused", module: this.#module(first), message, how: head(node) };
      default:
        return unknown;
    }
  }
}

/** The script's commands, in order. One that is a module's fields alone is that module. */
export function readScript(text: string): Command[] {
  const nodes = parse(text);
  const reader = new Reader(text);
  const commands = new Set(
    "module register invoke get assert_return assert_trap assert_exhaustion assert_invalid".split(
      " ",
    ),
  );
  if (
    nodes.length > 0 &&
    !nodes.some((node) => commands.has(head(node)) || head(node).startsWith("assert_"))
  )
    return readScript(`(module ${text}\n)`);
  return nodes.filter(({ items }) => items !== null).map((node) => reader.command(node));
}
