/**
 * The package as npm would publish it. What it shows: unpacked into an empty
 * folder, with nothing but the dependencies that it declares beside it, the
 * command runs and builds a guest. Why it matters: a checkout has everything, a
 * tarball only what "files" and "dependencies" name. How it would fail: a C file
 * left out, an import of a package that is only there for the tests.
 */
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

const root = path.resolve(import.meta.dirname, "../../..");
const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) });
const Packed = z.array(
  z.object({
    filename: z.string(),
    files: z.array(z.object({ path: z.string(), size: z.number() })),
  }),
);

let folder: string;
let packed: string[];
let size: number;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-pack-"));
  await access(path.join(root, "dist/cli.js")).catch(() => {
    throw new Error("dist/ is not built: make build");
  });
  const modules = path.join(folder, "node_modules");
  const home = path.join(modules, "xenlet");
  await mkdir(home, { recursive: true });
  await mkdir(path.join(modules, ".bin"));

  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await execa("npm", pack, { cwd: root });
  const [tarball] = Packed.parse(JSON.parse(stdout));
  packed = tarball?.files.map((file) => file.path) ?? [];
  size = (tarball?.files ?? [])
    .filter((file) => !file.path.startsWith("prebuilt/"))
    .reduce((sum, file) => sum + file.size, 0);
  const archive = path.join(folder, tarball?.filename ?? "");
  await execa("tar", ["-xzf", archive, "-C", home, "--strip-components=1"]);

  const manifest = Manifest.parse(
    JSON.parse(await readFile(path.join(home, "package.json"), "utf8")),
  );
  for (const name of Object.keys(manifest.dependencies)) {
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true }); // a scope
    await symlink(path.join(root, "node_modules", name), path.join(modules, name));
  }
  await symlink("../xenlet/dist/cli.js", path.join(modules, ".bin/xenlet"));
  await writeFile(path.join(folder, "package.json"), '{ "private": true }\n');
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const xenlet = (...args: string[]) =>
  execa("npx", ["--no-install", "xenlet", ...args], { cwd: folder, reject: false });

test("holds licences and sources of images, and none of the tests", () => {
  for (const file of ["LICENSE", "NOTICE", "LICENSES/Apache-2.0.txt", "boot/start.S"])
    expect(packed).toContain(file);
  expect(packed.filter((file) => /^(test|bench|scripts)\//.test(file))).toEqual([]);
});

test("holds these at the top, and nothing else", () => {
  // prebuilt/ is there where the package was packed by npm's own scripts, which this test leaves out.
  const top = new Set(packed.map((file) => file.split("/")[0]));
  top.delete("prebuilt");
  expect([...top].sort()).toEqual(
    [
      [
        "LICENSE",
        "LICENSES",
        "NOTICE",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
      ],
      ["asconfig.json", "package.json", "boot", "dist", "docs", "examples", "linker", "runtime"],
      ["src", "xl"],
    ]
      .flat()
      .sort(),
  );
});

test("is at most 3.5 MB, unpacked: more means a file that was not meant to be published", () => {
  expect(size).toBeGreaterThan(1_000_000);
  expect(size).toBeLessThan(3_500_000);
});

test("depends on packages under permissive licences only", async () => {
  const manifest = Manifest.parse(
    JSON.parse(await readFile(path.join(root, "package.json"), "utf8")),
  );
  const names = Object.keys(manifest.dependencies);
  expect(names.length).toBeGreaterThan(3);
  const licences = await Promise.all(
    names.map(async (name) => {
      const file = path.join(root, "node_modules", name, "package.json");
      const { license } = z
        .object({ license: z.string() })
        .parse(JSON.parse(await readFile(file, "utf8")));
      return [name, license] as const;
    }),
  );
  const permissive = /^(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD)$/;
  expect(licences.filter(([, license]) => !permissive.test(license))).toEqual([]);
});

test("holds what README.md links to", async () => {
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, file]) => file);
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((file) => !packed.includes(file ?? ""))).toEqual([]);
});

test("npx xenlet --help", async () => {
  const { exitCode, stdout } = await xenlet("--help");
  expect(stdout).toMatch(/^Usage: xenlet/);
  expect(exitCode).toBe(0);
});

test("npx xenlet build", async () => {
  await writeFile(path.join(folder, "guest.ts"), 'console.log("hello");\n');
  const built = await xenlet("build", "guest.ts", "-o", "guest.elf");
  expect(built.stderr).not.toMatch(/error/i);
  expect(built.exitCode).toBe(0);
  const { exitCode, stdout } = await xenlet("inspect", "guest.elf");
  expect(stdout).toMatch(/^PVH entry 0x/m);
  expect(exitCode).toBe(0);
});

test("the library is importable by its name", async () => {
  const program = 'import { UserError } from "xenlet/host"; console.log(typeof UserError);';
  const args = ["--input-type=module", "-e", program];
  const { stdout } = await execa("node", args, { cwd: folder });
  expect(stdout).toBe("function");
});
