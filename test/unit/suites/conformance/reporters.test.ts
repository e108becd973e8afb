/**
 * The matrix's reports, read back by independent parsers. Why it matters: a CI server that cannot read
 * a report shows no failure, and people read the matrix on 80 columns. How it would fail: a guest's word that
 * ends a TAP point, an XML attribute or an HTML element early; a failure that the format counts as none.
 * The page in a browser: test/browser.
 */
import { createHash } from "node:crypto";
import { SaxesParser } from "saxes";
import { Parser as TapParser } from "tap-parser";
import { describe, expect, test } from "vitest";
import type { Report } from "../../../../src/host/report/matrix/model.js";
import {
  MATRIX_REPORTERS,
  type MatrixReporterName,
} from "../../../../src/host/suites/conformance/reporters/index.js";
import { showNs } from "../../../../src/host/suites/conformance/reporters/figures.js";
import { html, Markup } from "../../../../src/host/report/markup.js";
import { SCRIPT } from "../../../../src/host/report/matrix/page/script.js";
import { STYLE } from "../../../../src/host/report/matrix/page/style.js";
import { AWKWARD, AWKWARD_REPORT, report, result, run, sample } from "./samples.js";

const write = (name: MatrixReporterName, of: Report, colors = false, columns = 80): string =>
  MATRIX_REPORTERS[name](of, { colors, columns });

describe("the terminal's matrix", () => {
  const lines = (of: Report, columns = 80): string[] =>
    write("terminal", of, false, columns).split("\n");

  test("has areas, a row for each check, a column for each version", () => {
    const text = write("terminal", sample({ failing: true }));
    expect(text).toMatch(/^Event channels +4\.14 {2}4\.17 {2}4\.20$/m);
    expect(text).toMatch(/^ {2}event-channels\/virq-rebind +✓ {5}✓ {5}✓$/m);
    expect(text).toMatch(/^ {2}grants\/pin-survives +✓ {5}✗ {5}✗$/m);
    expect(text).toMatch(/^ {2}stays-dirty\/poll-timer +- {5}✓ {5}✓$/m);
    expect(text).toMatch(/^Xen 4\.17 \(Debian 4\.17\.7\+1-g/m);
  });

  test("tells below why, with the log, what was skipped, and the sum", () => {
    const text = write("terminal", sample({ failing: true }));
    expect(text).toContain(
      "✗ who-may/pv-domain on 4.14, 4.17, 4.20\n    the claim of who-may/pv-domain\n    did not hold: XEN_DOMCTL",
    );
    expect(text).toContain("    log: /cache/logs/one.log\n");
    expect(text).toContain("✗ Xen 4.20: tot_pages moved: 8192 at first");
    expect(text).toContain("- stays-dirty/poll-timer: cannot be shown there");
    expect(text.trimEnd().split("\n").at(-1)).toBe(
      "90 checks: 84 passed, 5 failed, 1 skipped, 1 problem; 75 controls red (12.4 s)",
    );
  });

  test.each([80, 60, 120])("fits %d columns, whatever is in it", (columns) => {
    const many = report(
      Array.from({ length: 9 }, (_, at) =>
        run(`4.${at + 14}`, {
          checks: [
            result("a-long-area/with-a-check-whose-name-is-long-too-and-longer", `4.${at + 14}`),
          ],
        }),
      ),
    );
    for (const of of [sample({ failing: true }), many])
      for (const line of lines(of, columns)) expect(line.length).toBeLessThanOrEqual(columns);
  });

  test("has no escape codes unless colours are wanted, and nothing that steers a terminal", () => {
    const escapes = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;
    expect(write("terminal", AWKWARD_REPORT)).not.toMatch(escapes);
    expect(write("terminal", sample(), true)).toMatch(/\u001b\[/);
  });

  test("says which shard it is of, and which version could not be had", () => {
    const text = write("terminal", { ...AWKWARD_REPORT, shard: { index: 2, of: 3 } });
    expect(text).toContain("shard 2/3 of 3 checks");
    expect(text).toContain("Xen 4.14 is not available:");
  });
});

describe("TAP", () => {
  interface Point {
    ok: boolean;
    name: string;
    skip: boolean | string;
    diag: Record<string, unknown> | null;
  }

  function parse(text: string) {
    const points: Point[] = [];
    const garbage: string[] = [];
    const listen = (parser: TapParser): void => {
      parser.on("child", listen);
      parser.on("extra", (line: string) => garbage.push(line));
      parser.on("assert", (point: Point) => points.push(point));
    };
    let ok = false;
    const parser = new TapParser({ strict: true }, (results) => {
      ok = results.ok;
      garbage.push(...results.failures.flatMap(({ tapError }) => tapError ?? []));
    });
    listen(parser);
    parser.end(text);
    return { points, garbage, ok };
  }

  test.each([
    ["good", sample(), true, 90 + 3, 0, 1],
    ["bad", sample({ failing: true }), false, 90 + 3 + 1, 5 + 3 + 1, 1],
    ["awkward", AWKWARD_REPORT, false, 4 + 3 + 1, 1 + 1 + 1 + 1, 1],
  ] as const)(
    "%s: strictly TAP, with a point for each check",
    (_name, of, good, all, bad, skips) => {
      const { points, garbage, ok } = parse(write("tap", of));
      expect({ garbage, ok }).toEqual({ garbage: [], ok: good });
      expect(points).toHaveLength(all);
      expect(points.filter((point) => !point.ok)).toHaveLength(bad);
      expect(points.filter(({ skip }) => skip !== false)).toHaveLength(skips);
    },
  );

  test("a failure has why, what it compared, its control and its log", () => {
    const { points } = parse(write("tap", sample({ failing: true })));
    // The parser keeps the duration to itself.
    expect(points.find(({ name }) => name.startsWith("who-may/pv-domain"))?.diag).toEqual({
      message: "did not hold: XEN_DOMCTL_soft_reset of a PV domain: 0, expected -22 (-EINVAL)",
      severity: "fail",
      claims: [
        "check, held: the domain is a PV one: flags 0x0, expected 0x0",
        "check, did not hold: XEN_DOMCTL_soft_reset: 0, expected -22",
        "control, did not hold: resumed: 0, expected -22",
      ],
      log: "/cache/logs/one.log",
      control: "red",
    });
  });

  test("a version that nobody misses is a skip", () => {
    const unavailable = [{ label: "4.14", reason: "gone", excused: true }];
    const { points, ok } = parse(write("tap", { ...sample(), unavailable }));
    expect(ok).toBe(true);
    expect(points.at(-1)).toMatchObject({ name: "Xen 4.14", skip: "gone" });
  });
});

describe("JUnit", () => {
  interface Element {
    name: string;
    attributes: Record<string, string>;
    children: Element[];
  }

  function parse(xml: string): Element {
    const root: Element = { name: "", attributes: {}, children: [] };
    const open = [root];
    const parser = new SaxesParser();
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("opentag", ({ name, attributes }) => {
      const element: Element = {
        name,
        attributes: attributes,
        children: [],
      };
      open.at(-1)?.children.push(element);
      open.push(element);
    });
    parser.on("closetag", () => void open.pop());
    parser.write(xml).close();
    return root.children[0] ?? root;
  }

  const cases = (of: Element): Element[] =>
    of.name === "testcase" ? [of] : of.children.flatMap(cases);

  test.each([
    ["good", sample()],
    ["bad", sample({ failing: true })],
    ["awkward", AWKWARD_REPORT],
  ])("%s: well-formed, and its sums are those of its cases", (_name, of) => {
    const root = parse(write("junit", of));
    const having = (...names: string[]): string =>
      String(cases(root).filter(({ children }) => names.includes(children[0]?.name ?? "")).length);
    expect(root.attributes).toMatchObject({
      tests: String(cases(root).length),
      failures: having("failure"),
      errors: having("error"),
    });
    for (const suite of root.children) {
      const skipped = suite.children.filter(({ children }) => children[0]?.name === "skipped");
      expect(suite.attributes["skipped"]).toBe(String(skipped.length));
      expect(suite.attributes["timestamp"]).toBe(of.began);
      const properties = suite.children.find(({ name }) => name === "properties")?.children ?? [];
      const named = new Map(
        properties.map((one) => [one.attributes["name"], one.attributes["value"]]),
      );
      expect(named.get("xen")).toBe(suite.attributes["name"]);
      // One that was not available was run nowhere.
      if (suite.children.length > 2) {
        expect(suite.attributes["hostname"]).toBe("here");
        expect(named.get("qemu")).toBe("7.2.22");
      }
    }
  });

  test("a version is a suite, a check a case of a class that names the version", () => {
    const root = parse(write("junit", sample({ failing: true })));
    expect(root.children.map(({ attributes }) => attributes["name"])).toEqual(
      ["4.14", "4.17", "4.20"].map((one) => `Xen ${one} (Debian ${one}.7+1-g0123456789-0+deb0u1)`),
    );
    const failed = cases(root).find(({ children }) => children[0]?.name === "failure");
    expect(failed?.attributes).toMatchObject({ name: "who-may/pv-domain", classname: "xen-4.14" });
    expect(failed?.children[0]?.attributes["message"]).toContain("expected -22 (-EINVAL)");
    expect(root.attributes).toMatchObject({ failures: "5", errors: "1" });
  });
});

describe("the page", () => {
  test("has nothing in it that was not meant as markup", () => {
    expect(
      html`<b title="${AWKWARD}">${'"<b>&'}</b>${["<", new Markup("<i>")]}${null}${0}`.text,
    ).toBe(`<b title="${html`${AWKWARD}`.text}">&quot;&lt;b&gt;&amp;</b>&lt;<i>0`);
    const page = write("html", AWKWARD_REPORT);
    expect(page).not.toContain('<a href="x">');
    expect(page).not.toContain("<script>\n<");
    expect(page.match(/<script>/g)).toHaveLength(1);
  });

  test("asks for nothing outside, and its policy admits its own style and script alone", () => {
    const page = write("html", sample({ failing: true }));
    expect(page).not.toMatch(/(?:src|href)="(?!#|data:,)/);
    expect(page).not.toMatch(/url\(|@import/);
    expect(page).not.toMatch(/ (?:style|on\w+)="/);
    const hash = (text: string): string => createHash("sha256").update(text).digest("base64");
    const [, policy = ""] = /Content-Security-Policy"\s+content="([^"]*)"/.exec(page) ?? [];
    expect(policy.replaceAll("&#39;", "'")).toBe(
      `default-src 'none'; img-src data:; style-src 'sha256-${hash(STYLE)}'; ` +
        `script-src 'sha256-${hash(SCRIPT)}'; base-uri 'none'; form-action 'none'`,
    );
    expect(page).toContain(`<style>${STYLE}</style>`);
    expect(page).toContain(`<script>${SCRIPT}</script>`);
  });

  /** Of WCAG 2: 4.5 is enough for text. */
  function contrast(a: string, b: string): number {
    const light = (color: string): number => {
      const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
        const part = parseInt(color.slice(at, at + 2), 16) / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const [more = 0, less = 0] = [light(a), light(b)].sort((x, y) => y - x);
    return (more + 0.05) / (less + 0.05);
  }

  test("can be read in the light, in the dark and on paper", () => {
    const themes = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(
      ([, body = ""]) =>
        new Map([...body.matchAll(/--([\w-]+): (#\w+)/g)].map(([, name, color]) => [name, color])),
    );
    expect(themes).toHaveLength(3);
    for (const theme of themes) {
      const colour = (name: string): string => {
        const [, one] = [...theme].find(([key]) => key === name) ?? [];
        const text = one ?? "";
        return text.length === 4 ? text.replaceAll(/\w/g, "$&$&") : text;
      };
      for (const background of ["background", "panel"])
        for (const ink of ["ink", "quiet", "accent", "passed", "failed", "skipped"])
          expect(
            contrast(colour(ink), colour(background)),
            `${ink} on ${background}`,
          ).toBeGreaterThan(4.5);
      expect(contrast(colour("ink"), colour("changed"))).toBeGreaterThan(4.5);
      expect(contrast(colour("failed"), colour("failed-background"))).toBeGreaterThan(4.5);
    }
  });

  test.each([
    [0, "0 ns"],
    [999, "999 ns"],
    [1000, "1.00 µs"],
    [12_345, "12.3 µs"],
    [238_000, "238 µs"],
    [1_034_000, "1.03 ms"],
    [2_500_000_000, "2500 ms"],
  ])("%d ns is %s", (ns, shown) => {
    expect(showNs(ns)).toBe(shown);
  });
});
