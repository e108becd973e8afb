/**
 * docs/architecture.md's pictures. What it shows: they are what the code beside this file draws (`vitest -u` draws them again), every
 * folder of both worlds is in them, and every file that they name is there. Why it matters: a map that is wrong costs a newcomer more
 * than none. How it would fail: a folder that no picture has, a file that was renamed.
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DOM0, GUEST, HOST, WAY, way, worlds } from "./architecture-pictures.js";

const PICTURES = { worlds, way };

test.each(Object.entries(PICTURES))(
  "docs/pictures/%s.svg is what the code draws",
  async (name, draw) => {
    await expect(draw()).toMatchFileSnapshot(`../../../docs/pictures/${name}.svg`);
    expect(await readFile("docs/architecture.md", "utf8")).toContain(`](pictures/${name}.svg)`);
  },
);

test("each folder of both worlds is in the picture once, and is there", async () => {
  const shown = [...HOST, ...GUEST, ...DOM0].map(([path]) => path);
  expect(new Set(shown).size).toBe(shown.length);
  expect(shown.filter((path) => !existsSync(path))).toEqual([]);
  const below = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { withFileTypes: true }))
      .filter((one) => one.isDirectory())
      .map(({ name }) => `${folder}/${name}/`);
  const wanted = [
    ...(await below("src/host")),
    ...(await below("src/guest")),
    ...(await below("runtime")),
    "boot/",
    "linker/",
    "xl/",
  ];
  expect(wanted.filter((folder) => !shown.includes(folder))).toEqual([]);
});

test("each file on the way is there", () => {
  expect(WAY.map(({ file }) => file).filter((file) => file !== "" && !existsSync(file))).toEqual(
    [],
  );
});

test("both say in words what they show", () => {
  for (const draw of Object.values(PICTURES))
    expect(draw()).toMatch(/<desc id="description">[^<]{300,}<\/desc>/);
});
