// The story's page (`xenlet demo --html`) in a real browser. What it shows: it is laid out without overflow from a telephone
// to a desk, light and dark, asks for no other file, and all of it is reached by keyboard and read by a screen reader. Why:
// it is shown in lectures, from a file, on whatever is at hand. How it would fail: a row wider than the screen, a policy that
// forbids the page its own style, a lane that only its colour tells. That what sticks out is noticed is report-page.test.ts's control.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createProgress } from "../../src/host/base/progress.js";
import { stepsOf } from "../../src/host/cli/commands/demo/steps.js";
import { storyPage } from "../../src/host/cli/commands/demo/story-page.js";
import { storyOf, WITH_RESET, WITHOUT_RESET } from "../fixtures/story-records.js";
import { Browser, type Page } from "./chromium.js";

const PAGE = storyPage("Xen 4.17", [
  {
    reset: true,
    expected: true,
    text: "all well",
    steps: stepsOf(storyOf(WITH_RESET, true).lines),
  },
  {
    reset: false,
    expected: true,
    text: "as expected",
    steps: stepsOf(storyOf(WITHOUT_RESET, false).lines),
  },
]);

describe.skipIf(process.arch !== "x64")("the page (Chromium: amd64 alone)", () => {
  let folder: string;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "xenlet-story-"));
    browser = await Browser.start(createProgress(process.stderr, { quiet: true }));
    const file = join(folder, "story.html");
    await writeFile(file, PAGE);
    page = await browser.open(pathToFileURL(file).href);
  });
  afterAll(async () => {
    await page.close();
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("asks for nothing but itself, and the browser has nothing to say", () => {
    expect(page.requests).toHaveLength(1);
    expect(page.complaints).toEqual([]);
  });

  test.each([
    [1280, "light"],
    [800, "dark"],
    [390, "light"],
    [320, "dark"],
  ])("%d pixels wide, %s: nothing sticks out", async (width, theme) => {
    await page.resize(width, 900);
    await page.emulate({ dark: theme === "dark" });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    // Neither do words from their column.
    expect(
      await page.evaluate(
        `[...document.querySelectorAll(".words")].filter((one) => one.scrollWidth > one.clientWidth + 1).length`,
      ),
    ).toBe(0);
  });

  test("both runs stand beside each other where there is room, and below each other where not", async () => {
    const lefts = (): Promise<number[]> =>
      page.evaluate(
        `[...document.querySelectorAll(".stories > section")].map((one) => one.getBoundingClientRect().left)`,
      );
    await page.resize(1280, 900);
    const [first = 0, second = 0] = await lefts();
    expect(second).toBeGreaterThan(first + 400);
    await page.resize(390, 900);
    expect(new Set(await lefts()).size).toBe(1);
  });

  test("lanes differ by shape and in words, not by colour alone", async () => {
    expect(
      await page.evaluate(
        `["guest", "toolstack", "xen"].map((lane) => {
          const style = getComputedStyle(document.querySelector(".steps .mark." + lane));
          return [style.borderTopLeftRadius, style.transform === "none"].join();
        })`,
      ),
    ).toEqual(["50%,true", "0px,true", "0px,false"]);
    const marks = `document.querySelectorAll(".steps .mark").length`;
    const words = `document.querySelectorAll(".steps .mark + .unseen").length`;
    expect(await page.evaluate(`${marks} > 0 && ${marks} === ${words}`)).toBe(true);
  });

  test("by keyboard alone: past the introduction, and into the table that scrolls", async () => {
    const focused = (): Promise<string> =>
      page.evaluate(
        `document.activeElement.getAttribute("href") ?? document.activeElement.className`,
      );
    await page.evaluate("document.activeElement.blur()");
    await page.press("Tab");
    expect(await focused()).toBe("#story-0");
    await page.press("Tab");
    expect(await focused()).toBe("wide");
  });
});
