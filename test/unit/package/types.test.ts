// What an editor makes of the package, as it is published. A guest's folder extends xenlet/tsconfig.guest.json: the examples
// have no error there with any of three TypeScripts, and a wrong argument has one. The Node library brings none of
// AssemblyScript's globals along: there `i32(5)` would type-check, and throw. It would fail by a declaration that is
// missing from the tarball, by one that a TypeScript rejects, or by types that accept anything.

import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../../..");
const TYPESCRIPTS = ["typescript-5", "typescript", "typescript-7"];
/** The guest's entries have types only: they are compiled by asc, which does not read "exports". */
const GUEST_ENTRIES = [
  ".",
  "./test",
  "./xenstore",
  "./grant",
  "./runstate",
  "./toolstack",
  "./raw/*",
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-types-"));
  const modules = path.join(folder, "node_modules");
  await mkdir(path.join(modules, "xenlet"), { recursive: true });
  await cp(path.join(root, "package.json"), path.join(modules, "xenlet/package.json"));
  await cp(path.join(root, "dist"), path.join(modules, "xenlet/dist"), { recursive: true });
  for (const name of ["assemblyscript", "@types", "undici-types"])
    await symlink(path.join(root, "node_modules", name), path.join(modules, name));
});
afterAll(() => rm(folder, { recursive: true }));

/** Errors of a folder with these files, by one TypeScript. */
async function check(
  typescript: string,
  tsconfig: object,
  files: Record<string, string>,
): Promise<string> {
  const project = await mkdtemp(path.join(folder, "project-"));
  await writeFile(path.join(project, "tsconfig.json"), JSON.stringify(tsconfig));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(project, name), text);
  const tsc = path.join(root, "node_modules", typescript, "bin/tsc");
  const { stdout } = await execa("node", [tsc, "-p", project, "--pretty", "false"], {
    reject: false,
    cwd: project,
  });
  return stdout;
}

const GUEST = { extends: "xenlet/tsconfig.guest.json", include: ["./*.ts"] };
const HOST = {
  compilerOptions: {
    module: "nodenext",
    strict: true,
    noEmit: true,
    types: ["node"],
    target: "es2023",
    lib: ["es2023"],
  },
  include: ["./*.ts"],
};

describe.each(TYPESCRIPTS)("with %s", (typescript) => {
  test("every example is clean", { timeout: 120_000 }, async () => {
    const examples = path.join(root, "examples");
    const names = (await readdir(examples)).filter((name) => name.endsWith(".ts"));
    expect(names).not.toEqual([]);
    const project = path.join(folder, `examples-${typescript}`);
    await mkdir(project);
    for (const name of names) await cp(path.join(examples, name), path.join(project, name));
    await writeFile(path.join(project, "tsconfig.json"), JSON.stringify(GUEST));
    const tsc = path.join(root, "node_modules", typescript, "bin/tsc");
    const { stdout } = await execa("node", [tsc, "-p", project], { reject: false });
    expect(stdout).toBe("");
  });

  test("a wrong argument is an error", { timeout: 120_000 }, async () => {
    const found = await check(typescript, GUEST, {
      "main.ts": 'import { sched } from "xenlet";\nsched.poll("a port");\n',
    });
    expect(found).toMatch(/^main\.ts\(2,12\): error TS2345/);
  });

  test(
    "the Node library is typed, and without AssemblyScript's globals",
    { timeout: 120_000 },
    async () => {
      const found = await check(typescript, HOST, {
        "main.mts": "",
        "main.ts": "",
        "package.json": '{ "type": "module" }',
        "good.ts":
          'import { bootGuest } from "xenlet/host";\nexport const boot: typeof bootGuest = bootGuest;\n',
        "bad.ts":
          'import { bootGuest } from "xenlet/host";\nexport const boot = bootGuest;\nexport const five = i32(5);\n',
      });
      expect(found.trim()).toMatch(/^bad\.ts\(3,21\): error TS2304: Cannot find name 'i32'\.$/);
    },
  );
});

test("publint finds nothing", async () => {
  const { messages } = await publint({ pkgDir: root, strict: true });
  expect(messages.filter(({ type }) => type !== "suggestion")).toEqual([]);
});

test("attw: the Node library's types are those of an ES module", { timeout: 120_000 }, async () => {
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const packed = await execa("npm", pack, { cwd: root });
  const [{ filename } = { filename: "" }] = JSON.parse(packed.stdout) as { filename: string }[];
  const attw = [path.join(root, "node_modules/@arethetypeswrong/cli/dist/index.js")];
  const { stdout, exitCode } = await execa(
    "node",
    [
      ...attw,
      path.join(folder, filename),
      "--profile",
      "esm-only",
      "--no-color",
      "--format",
      "ascii",
      "--exclude-entrypoints",
      ...GUEST_ENTRIES,
      "./tsconfig.guest.json",
    ],
    { reject: false },
  );
  expect(`${stdout}\n${exitCode ?? ""}`).toMatch(/\n0$/);
});
