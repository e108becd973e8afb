// A command loads what it needs: modules are counted, since a clock would measure the machine.
// Why: Node takes longer to load execa or zod than the command to start a saved machine, and scripts call the command
// hundreds of times. Fails if a package that only some commands use is imported where all of them begin.

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { bundleCommand, type Command } from "./command.js";

let xenlet: Command;
beforeAll(async () => {
  xenlet = await bundleCommand();
});
afterAll(() => xenlet.dispose());

interface Loaded {
  /** Files of npm packages, by package. */
  packages: Map<string, number>;
  /** The bundle's own. */
  own: number;
}

let lists = 0;

/** What Node loads as ES modules: each address goes by this hook. */
async function loadedBy(args: string[]): Promise<Loaded> {
  const list = path.join(xenlet.folder, `loaded-${String(lists++)}`);
  const hook = `import { appendFileSync } from "node:fs";
    export async function load(url, context, next) {
      appendFileSync(${JSON.stringify(list)}, url + "\\n");
      return next(url, context);
    }`;
  const register = path.join(xenlet.folder, "register.mjs");
  const address = JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`);
  await writeFile(register, `import { register } from "node:module"; register(${address});`);
  await xenlet.run(args, { env: { NODE_OPTIONS: `--import=${register}` } });
  const packages = new Map<string, number>();
  let own = 0;
  for (const url of (await readFile(list, "utf8")).trim().split("\n")) {
    if (!url.startsWith("file:") || url.endsWith("/register.mjs")) continue;
    const [, name] = /\/node_modules\/((?:@[^/]+\/)?[^/.][^/]*)\//.exec(url) ?? [];
    if (name === undefined) own++;
    else packages.set(name, (packages.get(name) ?? 0) + 1);
  }
  return { packages, own };
}

const BARE = ["commander", "picocolors"];

test("the version needs nothing but the arguments' parser", async () => {
  const { packages, own } = await loadedBy(["--version"]);
  expect([...packages.keys()].toSorted()).toEqual(BARE);
  expect(own).toBeLessThanOrEqual(6);
});

test.each([
  ["help for a command", ["run", "--help"]],
  ["a file that is not there", ["run", "nowhere.elf"]],
  ["an image's boot", ["run", "IMAGE"]],
  ["what is in an image", ["inspect", "IMAGE"]],
])("%s needs no package that it does not use", async (_name, [command = "", file = ""]) => {
  const words =
    file === "IMAGE"
      ? [command, ...(command === "run" ? xenlet.xen : []), xenlet.image]
      : [command, file];
  const { packages } = await loadedBy(words);
  const heavy = ["execa", "zod", "ora", "assemblyscript"];
  expect(heavy.filter((name) => packages.has(name))).toEqual([]);
});

test("the control: a command that starts tools by execa is seen to load it", async () => {
  const { packages } = await loadedBy(["doctor"]);
  expect(packages.get("execa")).toBeGreaterThan(50);
});
