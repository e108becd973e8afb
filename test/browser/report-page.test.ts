// The matrix's page in a real browser: Debian's Chromium, headless, from the package cache. What it shows: it is
// laid out without overflow on wide and narrow screens, in the light, in the dark and on paper; its filter works
// by keyboard alone; it asks for no other file; without its script all of it can be read. Why it matters: it is
// what a hypervisor's maintainer is shown. How it would fail: a policy that forbids the page its own style, a
// guest's word that becomes an element, a failure that the filter hides.
//
// Chromium is unpacked for amd64, as Xen and QEMU are: elsewhere these tests are skipped.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Report, Run } from "../../src/host/report/matrix/model.js";
import { htmlReporter } from "../../src/host/suites/conformance/reporters/html.js";
import { createProgress } from "../../src/host/base/progress.js";
import { AWKWARD, AWKWARD_REPORT, run, sample } from "../unit/suites/conformance/samples.js";
import { Browser, type Page } from "./chromium.js";

const GOOD = sample();
const BAD = sample({ failing: true });

describe.skipIf(process.arch !== "x64")("the page (Chromium: amd64 alone)", () => {
  let folder: string;
  let browser: Browser;
  let pages = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "xenlet-page-"));
    browser = await Browser.start(createProgress(process.stderr, { quiet: true }));
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function address(html: string): Promise<string> {
    const file = join(folder, `${String(pages++)}.html`);
    await writeFile(file, html);
    return pathToFileURL(file).href;
  }

  async function withPage(
    content: Report | string,
    use: (page: Page) => Promise<void>,
    hash = "",
  ): Promise<void> {
    const html =
      typeof content === "string" ? content : htmlReporter(content, { colors: false, columns: 80 });
    const page = await browser.open((await address(html)) + hash);
    try {
      await page.resize(1100, 900);
      await use(page);
    } finally {
      await page.close();
    }
  }

  const visibleRows = (page: Page): Promise<string[]> =>
    page.evaluate(`[...document.querySelectorAll("tr[data-name]")]
      .filter((row) => row.checkVisibility()).map((row) => row.querySelector(".mono").textContent)`);
  const focused = (page: Page): Promise<string> =>
    page.evaluate(
      `document.activeElement.name + " " + (document.activeElement.value ?? document.activeElement.tagName)`,
    );

  test.each([
    ["good", GOOD],
    ["bad", BAD],
    ["awkward", AWKWARD_REPORT],
  ])("%s: asks for nothing but itself, and the browser has nothing to say", async (_name, of) => {
    await withPage(of, (page) => {
      expect(page.requests).toHaveLength(1);
      expect(page.requests[0]).toMatch(/^file:/);
      expect(page.complaints).toEqual([]);
      return Promise.resolve();
    });
  });

  test("control: another file is noticed, and so is an error", async () => {
    const html = `<img src="no-such.png"><script>throw new Error("on purpose")</script>`;
    await withPage(html, (page) => {
      expect(page.requests).toHaveLength(2);
      expect(page.complaints.join("\n")).toContain("on purpose");
      return Promise.resolve();
    });
  });

  test("its policy lets nothing in: no script, no style, no request", async () => {
    await withPage(GOOD, async (page) => {
      const got = await page.evaluate<unknown[]>(`(async () => {
        const script = document.createElement("script");
        script.textContent = "window.intruded = true";
        document.body.append(script);
        const style = document.createElement("style");
        style.textContent = "body { display: none }";
        document.body.append(style);
        const answer = await fetch("data:,x").then(() => "fetched", () => "refused");
        return [window.intruded ?? "no", getComputedStyle(document.body).display, answer];
      })()`);
      expect(got).toEqual(["no", "block", "refused"]);
      expect(page.complaints.join("\n")).toContain("Content Security Policy");
    });
  });

  test("what a guest says is text, whatever it looks like", async () => {
    await withPage(AWKWARD_REPORT, async (page) => {
      expect(
        await page.evaluate(`document.querySelectorAll("main a:not([href^='#'])").length`),
      ).toBe(0);
      expect(await page.evaluate(`document.querySelectorAll("script, style").length`)).toBe(2);
      const text = await page.evaluate<string>(`document.querySelector(".failures").innerText`);
      expect(text).toContain(AWKWARD.slice(0, 20));
    });
  });

  test("shows the matrix: a row for each check, a cell for each version, in words too", async () => {
    await withPage(BAD, async (page) => {
      expect(await visibleRows(page)).toEqual(BAD.selected);
      expect(
        await page.evaluate(
          `[...document.querySelectorAll("#check-grants\\\\/pin-survives")].map((one) =>
            [...one.closest("tr").querySelectorAll("td")].map((cell) => cell.innerText.trim().replaceAll(/\\s+/g, " ")))[0]`,
        ),
      ).toEqual([
        "✓ ◆ passed on 4.14, control red",
        "✗ failed on 4.17",
        "✗ ◆ failed on 4.20, control red",
      ]);
      expect(await page.evaluate(`document.querySelectorAll("details[open]").length`)).toBe(2);
    });
  });

  test("begins with an overview: areas by versions, with counts, and the legend beside it", async () => {
    await withPage(BAD, async (page) => {
      const rows = await page.evaluate<string[][]>(
        `[...document.querySelectorAll(".tallies tr")].map((row) =>
          [...row.children].map((cell) => cell.innerText.replaceAll(/\\s+/g, " ").trim()))`,
      );
      expect(rows[0]).toEqual(["Area", "4.14", "4.17", "4.20"]);
      expect(rows).toContainEqual([
        "Grants",
        "✓ 3 passed",
        "✗ 1 failed ✓ 2 passed",
        "✗ 1 failed ✓ 2 passed",
      ]);
      expect(rows).toContainEqual([
        "Stays dirty",
        "✓ 3 passed – 1 skipped",
        "✓ 4 passed",
        "✓ 4 passed",
      ]);
      // The sums are those of the whole matrix.
      expect(rows.at(-1)).toEqual([
        "All",
        "✗ 1 failed ✓ 28 passed – 1 skipped",
        "✗ 2 failed ✓ 28 passed",
        "✗ 2 failed ✓ 28 passed",
      ]);
      const legend = `document.querySelector(".legend").getBoundingClientRect()`;
      const table = `document.querySelector(".tallies").getBoundingClientRect()`;
      expect(
        await page.evaluate(`${legend}.left >= ${table}.right && ${legend}.top < ${table}.bottom`),
      ).toBe(true);
      await page.resize(390, 900);
      expect(await page.evaluate(`${legend}.top >= ${table}.bottom`)).toBe(true);
    });
  });

  test("an area's name leads to its checks, also when they are filtered away", async () => {
    await withPage(GOOD, async (page) => {
      await page.evaluate(`{
        const form = document.querySelector(".filter");
        form.elements.words.value = "event";
        form.dispatchEvent(new Event("input"));
      }`);
      const grants = `document.getElementById("area-grants")`;
      expect(await page.evaluate(`${grants}.checkVisibility()`)).toBe(false);
      await page.evaluate(`new Promise((resolve) => {
        addEventListener("hashchange", () => setTimeout(resolve));
        document.querySelector(".tallies a[href='#area-grants']").click();
      })`);
      expect(await page.evaluate(`${grants}.checkVisibility()`)).toBe(true);
      expect(await page.evaluate(`${grants}.querySelectorAll("tr[data-name]").length`)).toBe(3);
    });
  });

  test("two hypervisors of one's own are told apart by their versions", async () => {
    const [first, second] = GOOD.runs;
    const own = (label: string, banner: string, of: Run | undefined): Run => ({
      ...(of ?? run(label)),
      label,
      banner,
      debianVersion: null,
    });
    const both = {
      ...GOOD,
      runs: [own("a/xen.gz", "4.21.0", first), own("b/xen.gz", "4.22-unstable", second)],
    };
    await withPage(both, async (page) => {
      for (const table of [".tallies", ".matrix", ".timeline"])
        expect(
          await page.evaluate(
            `[...document.querySelectorAll("${table} thead .exact")].map((one) => one.innerText)`,
          ),
        ).toEqual(["4.21.0", "4.22-unstable"]);
    });
    await withPage(GOOD, async (page) => {
      expect(await page.evaluate(`document.querySelectorAll(".exact").length`)).toBe(0);
    });
  });

  test.each([
    [1400, "light"],
    [1100, "light"],
    [800, "dark"],
    [390, "light"],
    [320, "dark"],
  ])("%d pixels wide, %s: nothing sticks out", async (width, theme) => {
    for (const of of [BAD, AWKWARD_REPORT])
      await withPage(of, async (page) => {
        await page.resize(width, 900);
        await page.emulate({ dark: theme === "dark" });
        expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBeLessThanOrEqual(
          width,
        );
        // What is wider than the page can be scrolled, by keyboard too.
        expect(
          await page.evaluate(`[...document.querySelectorAll("main *")].filter((one) =>
            getComputedStyle(one).overflowX === "auto" && one.scrollWidth > one.clientWidth + 1 && one.tabIndex < 0
          ).map((one) => one.className)`),
        ).toEqual([]);
      });
  });

  test("control: what sticks out is noticed", async () => {
    await withPage(`<div style="width: 2000px">x</div>`, async (page) => {
      expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBe(2008);
    });
  });

  test("follows the reader's theme", async () => {
    await withPage(GOOD, async (page) => {
      const colours = (): Promise<string[]> =>
        page.evaluate(
          `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]`,
        );
      await page.emulate({ dark: false });
      expect(await colours()).toEqual(["rgb(255, 255, 255)", "rgb(26, 31, 38)"]);
      await page.emulate({ dark: true });
      expect(await colours()).toEqual(["rgb(16, 20, 24)", "rgb(228, 232, 236)"]);
      await page.emulate({ media: "print", dark: true });
      expect(await colours()).toEqual(["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
    });
  });

  test("prints on a few pages, without the filter, and nothing is cut off", async () => {
    await withPage(BAD, async (page) => {
      await page.emulate({ media: "print" });
      expect(await page.evaluate(`document.querySelector(".filter").checkVisibility()`)).toBe(
        false,
      );
      // A4 without its margins of 14 mm.
      await page.resize(688, 1000);
      expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBeLessThanOrEqual(688);
      const pdf = (await page.print()).toString("latin1");
      expect(pdf.startsWith("%PDF-")).toBe(true);
      const count = pdf.match(/\/Type ?\/Page\b/g)?.length ?? 0;
      expect(count).toBeGreaterThan(1);
      expect(count).toBeLessThan(9);
    });
  });

  describe("by keyboard alone", () => {
    test("the filter shows what failed, and says how much that is", async () => {
      await withPage(BAD, async (page) => {
        const said = (): Promise<string> => page.evaluate(`document.querySelector("output").value`);
        expect(await said()).toBe("30 checks");
        for (let tabs = 0; (await focused(page)) !== "show all"; tabs++) {
          expect(tabs).toBeLessThan(20);
          await page.press("Tab");
        }
        await page.press("ArrowRight");
        expect(await focused(page)).toBe("show failed");
        expect(await visibleRows(page)).toEqual(["grants/pin-survives", "who-may/pv-domain"]);
        expect(await said()).toBe("2 of 30 checks");
        // An area without rows is gone with them.
        expect(
          await page.evaluate(
            `[...document.querySelectorAll(".matrix tbody")].filter((one) => one.checkVisibility()).length`,
          ),
        ).toBe(2);
        await page.press("ArrowRight");
        expect(await visibleRows(page)).toEqual(["stays-dirty/poll-timer"]);
        await page.press("ArrowRight");
        expect(await visibleRows(page)).toHaveLength(30);
        await page.press("Tab");
        await page.type("port unbound");
        expect(await visibleRows(page)).toEqual([]);
        expect(await said()).toBe("0 of 30 checks");
        await page.evaluate(`document.querySelector("[name=words]").select()`);
        await page.type("EVENT unbound");
        expect(await visibleRows(page)).toEqual(["event-channels/other-end-unbound"]);
      });
    });

    test("a row opens and closes", async () => {
      await withPage(GOOD, async (page) => {
        await page.evaluate(`document.querySelector(".matrix summary").focus()`);
        const open = (): Promise<boolean> =>
          page.evaluate(`document.querySelector("details").open`);
        expect(await open()).toBe(false);
        await page.press("Enter");
        expect(await open()).toBe(true);
        expect(await page.evaluate(`document.querySelector("details dl").checkVisibility()`)).toBe(
          true,
        );
        await page.press(" ");
        expect(await open()).toBe(false);
      });
    });

    test("the first thing that Tab reaches leads to the matrix", async () => {
      await withPage(GOOD, async (page) => {
        await page.press("Tab");
        expect(await page.evaluate(`document.activeElement.className`)).toBe("skip");
        expect(
          await page.evaluate(`document.activeElement.getBoundingClientRect().left >= 0`),
        ).toBe(true);
        await page.press("Enter");
        expect(await page.evaluate(`location.hash`)).toBe("#matrix");
      });
    });
  });

  test("everything that can be used has a name for those who do not see it", async () => {
    await withPage(BAD, async (page) => {
      interface Node {
        ignored: boolean;
        role?: { value: string };
        name?: { value: string };
      }
      const { nodes } = await page.send<{ nodes: Node[] }>("Accessibility.getFullAXTree");
      const ROLES = ["radio", "searchbox", "link", "table", "region", "form", "DisclosureTriangle"];
      const used = nodes.filter(({ role }) => ROLES.includes(role?.value ?? ""));
      expect(new Set(used.map(({ role }) => role?.value)).size).toBeGreaterThan(4);
      const nameless = used.filter(
        ({ name, role }) => name?.value === "" && role?.value !== "table",
      );
      expect(nameless).toEqual([]);
    });
  });

  test("a link to a check opens it, also when it is filtered away", async () => {
    await withPage(
      GOOD,
      async (page) => {
        const open = (name: string): Promise<boolean> =>
          page.evaluate(`document.getElementById("check-${name}").open`);
        expect(await open("grants/entry-survives")).toBe(true);
        await page.evaluate(`{
          const form = document.querySelector(".filter");
          form.elements.words.value = "event";
          form.dispatchEvent(new Event("input"));
        }`);
        expect(await visibleRows(page)).toHaveLength(6);
        await page.evaluate(`new Promise((resolve) => {
          addEventListener("hashchange", () => setTimeout(resolve));
          location.hash = "check-who-may/pv-domain";
        })`);
        expect(await open("who-may/pv-domain")).toBe(true);
        expect(await visibleRows(page)).toHaveLength(30);
      },
      "#check-grants/entry-survives",
    );
  });

  test("without its script all of it can be read", async () => {
    await withPage("<p>empty</p>", async (page) => {
      await page.send("Emulation.setScriptExecutionDisabled", { value: true });
      await page.load(await address(htmlReporter(BAD, { colors: false, columns: 80 })));
      await page.send("Emulation.setScriptExecutionDisabled", { value: false });
      expect(await page.evaluate(`document.documentElement.className`)).toBe("");
      expect(await visibleRows(page)).toEqual(BAD.selected);
      expect(await page.evaluate(`document.querySelector(".filter").checkVisibility()`)).toBe(
        false,
      );
    });
  });

  test("the timeline's bars follow one another, and end where the longest version ends", async () => {
    await withPage(GOOD, async (page) => {
      const bars = await page.evaluate<{ from: number; to: number }[][]>(`[1, 2, 3].map((column) =>
        [...document.querySelectorAll(".timeline tbody tr:not(.total)")].map((row) => {
          const track = row.children[column].querySelector("line").getBoundingClientRect();
          const bar = row.children[column].querySelector("rect").getBoundingClientRect();
          return { from: (bar.left - track.left) / track.width, to: (bar.right - track.left) / track.width };
        }))`);
      const end = 498_700 + 2 * 9000;
      for (const [column, run] of GOOD.runs.entries()) {
        const shown = bars[column] ?? [];
        expect(shown).toHaveLength(run.timeline.length);
        for (const [at, { ns }] of run.timeline.entries()) {
          // A bar has at least 0.8 %.
          expect(Math.abs((shown[at]?.to ?? 0) - ns / end)).toBeLessThan(0.01);
          const before = run.timeline[at - 1]?.ns ?? 0;
          expect(Math.abs((shown[at]?.from ?? 1) - before / end)).toBeLessThan(0.01);
        }
      }
      expect(await page.evaluate(`document.querySelectorAll(".timeline .longest").length`)).toBe(3);
    });
  });

  test("what changed in the domain's state is marked, and versions that agree share a table", async () => {
    await withPage(GOOD, async (page) => {
      expect(await page.evaluate(`document.querySelectorAll(".state").length`)).toBe(1);
      expect(
        await page.evaluate(
          `[...document.querySelectorAll(".state mark")].map((one) => one.innerText)`,
        ),
      ).toEqual(["0x5010e", "0x10a", "5", "255", "8192", "~0", "0"]);
    });
  });
});
