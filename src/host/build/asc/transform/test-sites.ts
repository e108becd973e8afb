/**
 * An asc transform: tells each `test`, `group`, `skip`, `todo` and `expect` of
 * "xenlet/test" (src/guest/xenlet/test.ts) the file and line where it stands, and each
 * `expect` its own source text, by giving the calls their last arguments. The
 * syntax tree is changed, not the text, so that all positions stay exact.
 */
import type { Node as AnyNode, Parser, Source } from "assemblyscript";

/** Where a guest's source says that there is a test. */
export interface TestSite {
  kind: "group" | "test" | "skip" | "todo";
  /** As in the source: a literal's value, or the expression's text. */
  name: string;
  /** Whether `name` is what the test will be called. */
  exact: boolean;
  /** As seen from the entry's folder: `self.ts`, `../lib/x.ts`. */
  file: string;
  line: number;
  /** Index, in the same list, of the group that it stands in; null outside of groups. */
  group: number | null;
  /** test.only() or group.only(). */
  only?: true;
}

/** The calls that receive their place, with their arguments before it and what stands for an absent one. */
const CALLS = {
  test: ["name", "body", "unless"],
  "test.only": ["name", "body", "unless"],
  "test.skip": ["name", "body"],
  group: ["name", "body", "unless"],
  "group.only": ["name", "body", "unless"],
  "group.skip": ["name", "body"],
  skip: ["name", "reason"],
  todo: ["name"],
  expectTrap: ["kind"],
  expect: ["actual", "name"],
} as const;
type CallName = keyof typeof CALLS;

const MODULE = "~lib/xenlet/test";
/** Of an assertion's text: what is longer is cut. It ends up in the image, two bytes a character. */
const MAX_TEXT = 200;

interface Call extends AnyNode {
  expression: AnyNode;
  args: AnyNode[];
}
interface PropertyAccess extends AnyNode {
  expression: AnyNode;
  property: Identifier;
}
interface Identifier extends AnyNode {
  text: string;
}
interface Import extends AnyNode {
  declarations: { name: Identifier; foreignName: Identifier }[] | null;
  namespaceName: Identifier | null;
  internalPath: string;
}

/** A transform for one compilation by that compiler; `sites` is complete when it has parsed everything. */
export function testSites(asc: Asc): {
  sites: TestSite[];
  transform: { afterParse(parser: Parser): void };
} {
  const sites: TestSite[] = [];
  return {
    sites,
    transform: {
      afterParse(parser) {
        for (const source of parser.sources) {
          const names = importedNames(source, asc);
          if (names !== null) new Visitor(asc, parser, source, names, sites).visit();
        }
      },
    },
  };
}

type Asc = typeof import("assemblyscript");

interface Names {
  /** What a file calls them. */
  calls: Map<string, CallName>;
  /** `import * as t`. */
  namespaces: Set<string>;
}

function importedNames(source: Source, { NodeKind }: Asc): Names | null {
  const names: Names = { calls: new Map(), namespaces: new Set() };
  for (const statement of source.statements) {
    if (statement.kind !== NodeKind.Import) continue;
    const { internalPath, declarations, namespaceName } = statement as Import;
    if (internalPath !== MODULE) continue;
    if (namespaceName !== null) names.namespaces.add(namespaceName.text);
    for (const { name, foreignName } of declarations ?? [])
      if (isCallName(foreignName.text)) names.calls.set(name.text, foreignName.text);
  }
  return names.calls.size + names.namespaces.size === 0 ? null : names;
}

function isCallName(text: string): text is CallName {
  return Object.hasOwn(CALLS, text);
}

class Visitor {
  readonly #seen = new Set<AnyNode>();
  /** From the file's statement down to the visited node's parent. */
  readonly #ancestors: AnyNode[] = [];
  #group: number | null = null;

  constructor(
    private readonly asc: Asc,
    private readonly parser: Parser,
    private readonly source: Source,
    private readonly names: Names,
    private readonly sites: TestSite[],
  ) {}

  visit(): void {
    for (const statement of this.source.statements) this.#node(statement);
  }

  #node(node: AnyNode): void {
    if (this.#seen.has(node)) return; // an `export` shares its declaration
    this.#seen.add(node);
    const group = this.#group;
    if (node.kind === this.asc.NodeKind.Call) this.#call(node as Call);
    this.#ancestors.push(node);
    this.#children(node);
    this.#ancestors.pop();
    this.#group = group;
  }

  /** Whatever the node's kind: every property that is a node or a list of nodes. */
  #children(node: AnyNode): void {
    for (const [key, value] of Object.entries(node) as [string, unknown][]) {
      if (key === "range") continue;
      for (const item of Array.isArray(value) ? (value as unknown[]) : [value])
        if (isNode(item)) this.#node(item);
    }
  }

  #call(call: Call): void {
    const name = this.#callee(call.expression);
    if (name === null || call.args.length === 0) return; // asc itself tells what is missing
    const own = call.args.length;
    if (name === "expect") this.#expect(call);
    else if (name !== "expectTrap") this.#site(name, call);
    if (own > CALLS[name].length) return; // the caller passes the place
    const { range } = call;
    while (call.args.length < CALLS[name].length) call.args.push(this.#text("", call));
    call.args.push(this.#text(this.source.normalizedPath, call));
    call.args.push(
      this.asc.Node.createIntegerLiteralExpression(i64_new(this.#line(call), 0), range),
    );
  }

  #callee(node: AnyNode): CallName | null {
    const { NodeKind } = this.asc;
    if (node.kind === NodeKind.Identifier)
      return this.names.calls.get((node as Identifier).text) ?? null;
    if (node.kind !== NodeKind.PropertyAccess) return null;
    const { expression, property } = node as PropertyAccess;
    // test.only, of a name that was imported or of a namespace's.
    const whole = `${this.#callee(expression) ?? ""}.${property.text}`;
    if (isCallName(whole)) return whole;
    if (expression.kind !== NodeKind.Identifier) return null;
    const known = this.names.namespaces.has((expression as Identifier).text);
    return known && isCallName(property.text) ? property.text : null;
  }

  /** `expect(x)` in `expect(x).not.toBe(y)`: all of that is the assertion's name. */
  #expect(call: Call): void {
    const { NodeKind, DiagnosticCode } = this.asc;
    let assertion: AnyNode = call;
    let parents = this.#ancestors.length;
    for (; parents > 0; parents--) {
      const parent = this.#ancestors[parents - 1];
      const isPart =
        parent !== undefined &&
        [NodeKind.PropertyAccess, NodeKind.Call, NodeKind.Parenthesized].includes(parent.kind) &&
        (parent as Partial<Call>).expression === assertion;
      if (!isPart) break;
      assertion = parent;
    }
    const isStatement = this.#ancestors[parents - 1]?.kind === NodeKind.Expression;
    if (isStatement && (assertion === call || assertion.kind !== NodeKind.Call))
      this.parser.error(
        DiagnosticCode.User_defined_0,
        call.range,
        "this expect() asserts nothing: call a matcher, as in expect(x).toBe(y)",
      );
    if (call.args.length === 1) call.args.push(this.#text(this.#sourceText(assertion), call));
  }

  #site(callee: Exclude<CallName, "expect" | "expectTrap">, call: Call): void {
    const [kind, mark] = callee.split(".") as ["test" | "group" | "skip" | "todo", string?];
    const [name] = call.args as [AnyNode];
    const { NodeKind, LiteralKind } = this.asc;
    const literal = name as AnyNode & { literalKind?: number; value?: unknown };
    const exact = name.kind === NodeKind.Literal && literal.literalKind === LiteralKind.String;
    this.sites.push({
      kind: mark === "skip" && kind === "test" ? "skip" : kind,
      name: exact ? String(literal.value) : this.#sourceText(name),
      exact,
      file: this.source.normalizedPath,
      line: this.#line(call),
      group: this.#group,
      ...(mark === "only" ? { only: true } : {}),
    });
    if (kind === "group") this.#group = this.sites.length - 1;
  }

  #line(node: AnyNode): number {
    return this.source.lineAt(node.range.start);
  }

  #sourceText({ range }: AnyNode): string {
    return onOneLine(this.source.text.slice(range.start, range.end));
  }

  #text(value: string, { range }: AnyNode): AnyNode {
    return this.asc.Node.createStringLiteralExpression(value, range);
  }
}

/** The expression on one line. */
function onOneLine(text: string): string {
  const line = text
    .replaceAll(/(?<=[([])\s*\n\s*/g, "")
    .replaceAll(/,?\s*\n\s*(?=[)\]])/g, "")
    .replaceAll(/\s*\n\s*(?=\.)/g, "")
    .replaceAll(/\s*\n\s*/g, " ");
  if (line.length <= MAX_TEXT) return line;
  return `${line.slice(0, MAX_TEXT - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "kind" in value && "range" in value;
}
