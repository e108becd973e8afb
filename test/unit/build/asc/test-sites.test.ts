/**
 * The transform that tells tests and assertions where they stand. Why it matters: the line in a report is
 * where its reader looks first, and what the sources have is what "not run" is counted by. How it would fail:
 * a line off by one, a call under another name passed over, an assertion that asserts nothing let through.
 */
import * as assemblyscript from "assemblyscript";
import type { Parser, Source } from "assemblyscript";
import { describe, expect, test } from "vitest";
import { testSites } from "../../../../src/host/build/asc/transform/test-sites.js";

/** What the test needs of the compiler beyond what the transform does. */
const asc = assemblyscript as unknown as {
  newOptions(): unknown;
  newProgram(options: unknown): { parser: Parser };
  parse(program: unknown, text: string, path: string, isEntry: boolean): void;
  nextDiagnostic(program: unknown): unknown;
  formatDiagnostic(diagnostic: unknown, colors: boolean, context: boolean): string;
  ASTBuilder: { build(node: unknown): string };
};

function transform(text: string, path = "dir/a.ts") {
  const program = asc.newProgram(asc.newOptions());
  asc.parse(program, text, path, true);
  const { sites, transform } = testSites(assemblyscript);
  transform.afterParse(program.parser);
  const errors: string[] = [];
  for (let found = asc.nextDiagnostic(program); found; found = asc.nextDiagnostic(program))
    errors.push(asc.formatDiagnostic(found, false, false));
  const source = program.parser.sources.find((one: Source) => one.text === text);
  return { sites, errors, text: asc.ASTBuilder.build(source) };
}

const IMPORT = 'import { test, group, expect, skip, todo } from "xenlet/test";\n';

describe("an assertion", () => {
  test.each([
    ["expect(1).toBe(2);", "expect(1).toBe(2)", 2],
    ["\n\nexpect(1).toBe(2);", "expect(1).toBe(2)", 4],
    ["expect<u64>(1).not.toBe(2);", "expect<u64>(1).not.toBe(2)", 2],
    ["(expect(1)).toBe(2);", "(expect(1)).toBe(2)", 2],
    ["/* a\n b */ expect(1).toBe(2);", "expect(1).toBe(2)", 3],
    ['expect("a  .b").toBe("c");', 'expect("a  .b").toBe("c")', 2],
    ["\r\n\r\nexpect(\r\n  1,\r\n)\r\n  .not\r\n  .toBe(2);", "expect(1).not.toBe(2)", 4],
    ["expect(f(\n  a,\n  b,\n)).toBe(\n  2\n);", "expect(f(a, b)).toBe(2)", 2],
    ["for (;;) {\n  if (x) expect(é).toBe(2);\n}", "expect(é).toBe(2)", 3],
    ["class C {\n  @inline\n  m(): void {\n    expect(1).toBe(2);\n  }\n}", "expect(1).toBe(2)", 5],
    ["const f = (): void => {\n  return expect(1).toBe(2);\n};", "expect(1).toBe(2)", 3],
  ])("%j is named %j and stands in line %i", (code, name, line) => {
    const { text, errors } = transform(IMPORT + code);
    expect(errors).toEqual([]);
    const place = `, ${JSON.stringify(name)}, "dir/a.ts", ${line})`;
    expect(text).toContain(place);
    // That and no other.
    expect(text.split('"dir/a.ts"')).toHaveLength(2);
  });

  test("keeps a name of its own", () => {
    const { text } = transform(`${IMPORT}expect(1, "one").toBe(2);`);
    expect(text).toContain('expect(1, "one", "dir/a.ts", 2).toBe(2)');
  });

  test("is told once, whoever else told it before", () => {
    const { text } = transform(`${IMPORT}expect(1, "one", "b.ts", 9).toBe(2);`);
    expect(text).toContain('expect(1, "one", "b.ts", 9).toBe(2)');
  });

  test("inside of another is told apart", () => {
    const { text } = transform(`${IMPORT}expect(\n  g(() => { expect(1).toBe(2); })\n).toBe(3);`);
    expect(text).toContain('expect(1, "expect(1).toBe(2)", "dir/a.ts", 3)');
    expect(text).toContain(
      '"expect(g(() => { expect(1).toBe(2); })).toBe(3)", "dir/a.ts", 2).toBe(3)',
    );
  });

  test("of endless length is cut, and not inside of a character", () => {
    const { text } = transform(`${IMPORT}expect("${"😀".repeat(200)}").toBe("");`);
    const name = /"(expect\(\\"[^…]*…)"/.exec(text)?.[1] ?? "";
    expect(JSON.parse(`"${name}"`)).toHaveLength(199);
    expect(name).not.toMatch(/\p{Surrogate}/u);
  });

  test.each(["expect(1);", "expect(1).not;", "(expect(1));", "() => { expect(1).toBe; };"])(
    "that asserts nothing is an error: %j",
    (code) => {
      const { errors } = transform(IMPORT + code);
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain("asserts nothing");
    },
  );

  test.each(["const e = expect(1); e.toBe(2);", "check(expect(1));"])(
    "whose matcher is elsewhere is none: %j",
    (code) => {
      expect(transform(IMPORT + code).errors).toEqual([]);
    },
  );
});

describe("which calls", () => {
  test("by another name", () => {
    const { text } = transform(
      'import { expect as that, test as t } from "xenlet/test";\nt("a", () => {\n  that(1).toBe(2);\n});',
    );
    expect(text).toContain('that(1, "that(1).toBe(2)", "dir/a.ts", 3)');
    expect(text).toContain('"", "dir/a.ts", 2)');
  });

  test("by a namespace", () => {
    const { text, sites } = transform(
      'import * as t from "xenlet/test";\nt.test("a", () => {\n  t.expect(1).toBe(2);\n});\nt.needs("x");',
    );
    expect(text).toContain('t.expect(1, "t.expect(1).toBe(2)", "dir/a.ts", 3)');
    expect(text).toContain('t.needs("x")');
    expect(sites).toMatchObject([{ name: "a", line: 2 }]);
  });

  test("none of somebody else's", () => {
    const code =
      'import { expect, test } from "other";\nexpect(1);\ntest("a", f);\nx.test("b", f);';
    const { text, sites, errors } = transform(code);
    expect({ sites, errors }).toEqual({ sites: [], errors: [] });
    expect(text).not.toContain("a.ts");
  });
});

describe("the sites", () => {
  test("are in order, in their groups, with names and lines", () => {
    const { sites, text } = transform(
      [
        'import { test, group, skip, todo } from "xenlet/test";',
        'test("first", () => {});',
        'group("outer", () => {',
        '  group("inner", () => {',
        '    test("deep, \\"quoted\\"", () => {}, needs("domu"));',
        "  });",
        '  skip("skipped", "why");',
        "});",
        'todo("later");',
        'for (const x of xs) test("computed " + x, () => {});',
      ].join("\n"),
    );
    const site = { file: "dir/a.ts", exact: true };
    expect(sites).toEqual([
      { ...site, kind: "test", name: "first", line: 2, group: null },
      { ...site, kind: "group", name: "outer", line: 3, group: null },
      { ...site, kind: "group", name: "inner", line: 4, group: 1 },
      { ...site, kind: "test", name: 'deep, "quoted"', line: 5, group: 2 },
      { ...site, kind: "skip", name: "skipped", line: 7, group: 1 },
      { ...site, kind: "todo", name: "later", line: 9, group: null },
      { ...site, kind: "test", name: '"computed " + x', exact: false, line: 10, group: null },
    ]);
    expect(text).toContain('needs("domu"), "dir/a.ts", 5)');
    expect(text).toContain('skip("skipped", "why", "dir/a.ts", 7)');
    expect(text).toContain('todo("later", "dir/a.ts", 9)');
  });

  test("of only and skip, by whatever name they are called", () => {
    const { sites, text } = transform(
      [
        'import { test as it, group } from "xenlet/test";',
        'import * as t from "xenlet/test";',
        'it.only("one", () => {});',
        'group.only("some", () => {',
        '  it.skip("none", () => {});',
        "});",
        't.test.only("two", () => {});',
        'group.skip("no group", () => {',
        '  it("not run", () => {});',
        "});",
        'other.only("no test", () => {});',
      ].join("\n"),
    );
    const site = { file: "dir/a.ts", exact: true };
    expect(sites).toEqual([
      { ...site, kind: "test", name: "one", line: 3, group: null, only: true },
      { ...site, kind: "group", name: "some", line: 4, group: null, only: true },
      { ...site, kind: "skip", name: "none", line: 5, group: 1 },
      { ...site, kind: "test", name: "two", line: 7, group: null, only: true },
      { ...site, kind: "group", name: "no group", line: 8, group: null },
      { ...site, kind: "test", name: "not run", line: 9, group: 4 },
    ]);
    expect(text).toContain('"", "dir/a.ts", 3)');
  });

  test("and where a trap is expected", () => {
    const { text } = transform('import { expectTrap } from "xenlet/test";\nexpectTrap("abort");');
    expect(text).toContain('expectTrap("abort", "dir/a.ts", 2)');
  });
});
