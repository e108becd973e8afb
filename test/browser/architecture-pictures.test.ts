// docs/architecture.md's pictures in a real browser, in the light and in the dark. What it shows: no text runs out of the picture, out of
// the box that it begins in, or into another one. Why it matters: the boxes are laid out by hand, and a renamed folder is longer or
// shorter. How it would fail: "src/guest/conformance/" over the words beside it.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProgress } from "../../src/host/base/progress.js";
import { Browser } from "./chromium.js";

/** Each text that sticks out, or that another one overlaps. */
const FAULTS = `(() => {
  const shown = (one) => one.textContent.trim();
  const texts = [...document.querySelectorAll("text")].map((one) => ({ one, at: one.getBBox() }));
  const frames = [...document.querySelectorAll("rect")].map((one) => one.getBBox());
  const holds = (frame, { x, y }) =>
    frame.x <= x && x <= frame.x + frame.width && frame.y <= y && y <= frame.y + frame.height;
  const faults = [];
  for (const { one, at } of texts) {
    for (const frame of frames)
      if (holds(frame, { x: at.x + 1, y: at.y + at.height / 2 }) && at.x + at.width > frame.x + frame.width)
        faults.push(shown(one) + " sticks out");
    if (at.x < 0) faults.push(shown(one) + " sticks out");
    for (const { one: other, at: its } of texts)
      if (one !== other && at.x < its.x && at.x + at.width > its.x &&
          at.y < its.y + its.height - 4 && its.y < at.y + at.height - 4)
        faults.push(shown(one) + " runs into " + shown(other));
  }
  return [...new Set(faults)];
})()`;

describe.skipIf(process.arch !== "x64")("the pictures (Chromium: amd64 alone)", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await Browser.start(createProgress(process.stderr, { quiet: true }));
  });
  afterAll(async () => {
    await browser.close();
  });

  test.each([
    ["worlds", false],
    ["worlds", true],
    ["way", false],
    ["way", true],
  ])("docs/pictures/%s.svg, dark: %s", async (name, dark) => {
    const page = await browser.open(pathToFileURL(resolve(`docs/pictures/${name}.svg`)).href);
    try {
      await page.resize(900, 900);
      await page.emulate({ dark });
      expect(await page.evaluate(FAULTS)).toEqual([]);
      const paper = await page.evaluate(`getComputedStyle(document.querySelector(".paper")).fill`);
      expect(paper).toBe(dark ? "rgb(16, 20, 24)" : "rgb(255, 255, 255)");
    } finally {
      await page.close();
    }
  });

  test("control: a longer name is noticed", async () => {
    const page = await browser.open(pathToFileURL(resolve("docs/pictures/worlds.svg")).href);
    try {
      await page.evaluate(
        `document.querySelector(".path").textContent = "src/host/a-much-longer-name/"`,
      );
      expect(await page.evaluate<string[]>(FAULTS)).toEqual([
        "src/host/a-much-longer-name/ runs into the commands",
      ]);
      await page.evaluate(`document.querySelector(".path").textContent = "x".repeat(200)`);
      expect((await page.evaluate<string[]>(FAULTS)).join("\\n")).toContain("sticks out");
    } finally {
      await page.close();
    }
  });
});
