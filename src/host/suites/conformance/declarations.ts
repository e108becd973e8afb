/**
 * What the conformance program's sources declare (src/guest/conformance/declare.ts): scenarios, and the checks that they make. Read
 * from the syntax tree, by asc's own parser, so that there is no second list of them.
 *
 *     const EXAMPLE = scenario({ name: "example", area: "Examples" });
 *     const HOLDS = EXAMPLE.check({ name: "examples/holds", title: "An example holds" });
 */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import type { Node as AnyNode, Source } from "assemblyscript";
import { z } from "zod";

const SCENARIO = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** Empty only for a scenario that makes no checks. */
  area: z.string(),
  suite: z.string().regex(/^[a-z]+$/),
  vcpus: z.int().positive(),
  memoryMiB: z.int().positive(),
  costMs: z.int().nonnegative(),
});

const CHECK = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/),
  title: z.string().min(1),
  area: z.string(),
  notUnderXl: z.string(),
  broken: z.string(),
});

export interface DeclaredScenario extends z.infer<typeof SCENARIO> {
  /** Below the folder that was read. */
  file: string;
  line: number;
}

export interface DeclaredCheck extends z.infer<typeof CHECK> {
  scenario: DeclaredScenario;
}

export interface Declarations {
  scenarios: DeclaredScenario[];
  /** In the order of the files' names, and within a file as they stand there. */
  checks: DeclaredCheck[];
}

/** The declarations of all sources in `folder`, with the constants and the defaults of `common` (declare.ts). Throws an Error that names the place of one that cannot be read. */
export async function readDeclarations(folder: string, common: string): Promise<Declarations> {
  const asc = await import("assemblyscript");
  const reader = new Reader(asc);
  await reader.addCommon(common);
  for (const file of (await readdir(folder)).sort())
    if (file.endsWith(".ts")) reader.add(file, await readFile(path.join(folder, file), "utf8"));
  return reader.declarations;
}

type Asc = typeof import("assemblyscript");
type Value = string | number;
type Fields = Record<string, Value>;

interface Named extends AnyNode {
  text: string;
}
interface Variables extends AnyNode {
  declarations: { name: Named; initializer: AnyNode | null }[];
}
interface Call extends AnyNode {
  expression: AnyNode;
  args: AnyNode[];
}
interface Access extends AnyNode {
  expression: AnyNode;
  property: Named;
}
interface ObjectLiteral extends AnyNode {
  literalKind: number;
  names: Named[];
  values: AnyNode[];
}
interface ClassNode extends AnyNode {
  name: Named;
  members: (AnyNode & { name: Named; initializer?: AnyNode | null })[];
}
interface Sum extends AnyNode {
  operator: number;
  left: AnyNode;
  right: AnyNode;
}

class Reader {
  readonly declarations: Declarations = { scenarios: [], checks: [] };
  readonly #common = new Map<string, Value>();
  /** By class: what a literal leaves out. */
  readonly #defaults = new Map<string, Fields>();
  /** Of the file that is read. */
  #constants = new Map<string, Value>();
  #scenarios = new Map<string, DeclaredScenario>();
  #source: Source | null = null;

  constructor(private readonly asc: Asc) {}

  async addCommon(file: string): Promise<void> {
    const statements = this.#parse(path.basename(file), await readFile(file, "utf8"));
    for (const statement of statements) {
      for (const [name, value] of this.#constantsOf(statement)) this.#common.set(name, value);
      if (statement.kind !== this.asc.NodeKind.ClassDeclaration) continue;
      const { name, members } = statement as ClassNode;
      const fields: Fields = {};
      for (const member of members) {
        const value = member.initializer ? this.#value(member.initializer) : null;
        if (value !== null) fields[member.name.text] = value;
      }
      this.#defaults.set(name.text, fields);
    }
  }

  add(file: string, text: string): void {
    this.#constants = new Map(this.#common);
    this.#scenarios = new Map();
    for (const statement of this.#parse(file, text)) {
      for (const [name, value] of this.#constantsOf(statement)) this.#constants.set(name, value);
      for (const { name, initializer } of this.#variables(statement))
        if (initializer?.kind === this.asc.NodeKind.Call)
          this.#declaration(name.text, initializer as Call, file);
    }
  }

  #parse(file: string, text: string): readonly AnyNode[] {
    const { newProgram, newOptions, parse } = this.asc;
    const program = newProgram(newOptions());
    parse(program, text, file, true);
    const source = program.sources.find(({ normalizedPath }) => normalizedPath === file);
    if (source === undefined) throw new Error(`${file} was not parsed`);
    this.#source = source;
    return source.statements;
  }

  #variables(statement: AnyNode): Variables["declarations"] {
    return statement.kind === this.asc.NodeKind.Variable
      ? (statement as Variables).declarations
      : [];
  }

  /** `const NAME = "…"`. */
  *#constantsOf(statement: AnyNode): Generator<[string, Value]> {
    for (const { name, initializer } of this.#variables(statement)) {
      const value = initializer ? this.#value(initializer) : null;
      if (value !== null) yield [name.text, value];
    }
  }

  /** `scenario({…})`, or `SCENARIO.check({…})`; any other call is not a declaration. */
  #declaration(name: string, call: Call, file: string): void {
    const { NodeKind } = this.asc;
    const { expression, args } = call;
    if (expression.kind === NodeKind.Identifier && (expression as Named).text === "scenario") {
      const fields = this.#literal(args, "ScenarioDeclaration");
      const declared = { ...this.#checked(SCENARIO, fields, call), file, line: this.#line(call) };
      this.#scenarios.set(name, declared);
      this.declarations.scenarios.push(declared);
      return;
    }
    if (expression.kind !== NodeKind.PropertyAccess) return;
    const { expression: of, property } = expression as Access;
    if (property.text !== "check" || of.kind !== NodeKind.Identifier) return;
    const scenario = this.#scenarios.get((of as Named).text);
    if (scenario === undefined) return;
    const fields = this.#literal(args, "CheckDeclaration");
    const check = this.#checked(CHECK, fields, call);
    this.declarations.checks.push({ ...check, area: check.area || scenario.area, scenario });
  }

  #literal(args: AnyNode[], of: string): Fields {
    const [node] = args;
    const literal = node as ObjectLiteral | undefined;
    const { NodeKind, LiteralKind } = this.asc;
    if (literal?.kind !== NodeKind.Literal || literal.literalKind !== LiteralKind.Object)
      throw new Error(`${this.#place(node)}: expected a literal, {…}`);
    const fields: Fields = { ...this.#defaults.get(of) };
    literal.names.forEach((name, index) => {
      const value = literal.values[index];
      const read = value === undefined ? null : this.#value(value);
      if (read === null)
        throw new Error(`${this.#place(value)}: ${name.text} is neither a literal nor a constant`);
      fields[name.text] = read;
    });
    return fields;
  }

  #checked<T>(schema: z.ZodType<T>, fields: Fields, node: AnyNode): T {
    const parsed = schema.safeParse(fields);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new Error(
      `${this.#place(node)}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`,
    );
  }

  /** A string, a whole number, a constant, or a sum of those; null for anything else. */
  #value(node: AnyNode): Value | null {
    const { NodeKind, LiteralKind, Token } = this.asc;
    if (node.kind === NodeKind.Identifier) return this.#constants.get((node as Named).text) ?? null;
    if (node.kind === NodeKind.Binary) {
      const { operator, left, right } = node as Sum;
      const [a, b] = [this.#value(left), this.#value(right)];
      return operator === Token.Plus && a !== null && b !== null ? `${a}${b}` : null;
    }
    if (node.kind !== NodeKind.Literal) return null;
    const { literalKind, value } = node as AnyNode & { literalKind: number; value: unknown };
    if (literalKind === LiteralKind.String) return String(value);
    return literalKind === LiteralKind.Integer ? Number(this.#text(node)) : null;
  }

  #text({ range }: AnyNode): string {
    return this.#source?.text.slice(range.start, range.end).replaceAll("_", "") ?? "";
  }

  #line(node: AnyNode): number {
    return this.#source?.lineAt(node.range.start) ?? 0;
  }

  #place(node: AnyNode | undefined): string {
    const file = this.#source?.normalizedPath ?? "?";
    return node === undefined ? file : `${file}:${this.#line(node)}`;
  }
}
