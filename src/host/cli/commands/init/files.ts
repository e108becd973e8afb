/** The files of a folder to start from. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../../base/package-root.js";

const MAIN = `// A guest: AssemblyScript, which is TypeScript with machine types. It runs on Xen itself, with no
// operating system under it. Its last statement ends it with exit code 0; process.exit(n) with n.
import { sched, systemTime } from "xenlet";
import { milliseconds } from "./milliseconds";

console.log("Hello from a Xen guest");

const start = systemTime();
sched.poll([], start + 10_000_000); // no ports, a deadline 10 ms from now
console.log("slept " + milliseconds(systemTime() - start));
`;

const MILLISECONDS = `/** "12.5 ms" for a time in nanoseconds, rounded down to tenths. */
export function milliseconds(ns: u64): string {
  const tenths = ns / 100_000;
  return (tenths / 10).toString() + "." + (tenths % 10).toString() + " ms";
}
`;

const TEST = `// Tests of a guest run in a guest: \`npm test\` builds this file and boots it on Xen.
import { expect, test } from "xenlet/test";
import { sched, systemTime } from "xenlet";
import { milliseconds } from "../milliseconds";

test("nanoseconds are shown as tenths of milliseconds", () => {
  expect(milliseconds(12_345_678)).toBe("12.3 ms");
  expect(milliseconds(0)).toBe("0.0 ms");
});

test("a poll without ports sleeps until its deadline", () => {
  const deadline = systemTime() + 1_000_000;
  sched.poll([], deadline);
  expect(systemTime() >= deadline).toBe(true);
});
`;

const GITIGNORE = "node_modules/\n*.elf\n";

function readme(name: string): string {
  return `# ${name}

A Xen guest in TypeScript (AssemblyScript).

    npm install
    npm start        # build main.ts, boot it on a real Xen, exit as it does
    npm test         # run the guests in test/, and report every test
    npm run build    # the PVH image alone: main.elf

\`npx xenlet run --help\` describes memory, vCPUs, gdb, Xen's versions and exit codes;
\`npx xenlet doctor\` reports what is missing on this machine.
`;
}

/** AssemblyScript's types instead of JavaScript's, and those of "xenlet" (scripts/types.js). */
const TSCONFIG = `{
  "extends": "xenlet/tsconfig.guest.json",
  "include": ["./**/*.ts"]
}
`;

const ASCONFIG = `{
  "options": {}
}
`;

interface OwnPackage {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** Name and text of each file. `name`: of the folder; `xenlet`: where npm finds this package. */
export function starterFiles(name: string, xenlet: string): Record<string, string> {
  const own = JSON.parse(
    readFileSync(path.join(packageRoot, "package.json"), "utf8"),
  ) as OwnPackage;
  // npm's names: lower case, no leading dot or dash.
  const packageName = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[-._]+/, "")
    .slice(0, 214);
  // npm does not take a package that depends on itself.
  const taken = ["", "xenlet", "assemblyscript", "typescript", "node_modules", "favicon.ico"];
  const manifest = {
    name: taken.includes(packageName) ? "guest" : packageName,
    private: true,
    type: "module",
    scripts: {
      start: "xenlet run main.ts",
      test: "xenlet test test",
      build: "xenlet build main.ts",
    },
    devDependencies: {
      // For the editor: the compiler itself comes with xenlet.
      assemblyscript: own.dependencies["assemblyscript"],
      typescript: `~${own.devDependencies["typescript"] ?? ""}`,
      xenlet,
    },
  };
  return {
    "main.ts": MAIN,
    "milliseconds.ts": MILLISECONDS,
    "test/main.ts": TEST,
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "tsconfig.json": TSCONFIG,
    "asconfig.json": ASCONFIG,
    "README.md": readme(name),
    ".gitignore": GITIGNORE,
  };
}
