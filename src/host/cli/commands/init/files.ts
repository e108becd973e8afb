/** The files of a folder to start from. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../../base/package-root.js";

const MAIN = `// A guest: AssemblyScript, which is TypeScript with machine types. It runs on Xen itself, with no
// operating system under it. Its last statement ends it with exit code 0; process.exit(n) with n.
import { sched, systemTime } from "xenlet";

console.log("Hello from a Xen guest");

const start = systemTime();
sched.poll([], start + 10_000_000); // no ports, a deadline 10 ms from now
console.log("slept " + ((systemTime() - start) / 1_000).toString() + " µs");
`;

const GITIGNORE = "node_modules/\n*.elf\n";

function readme(name: string): string {
  return `# ${name}

A Xen guest in TypeScript (AssemblyScript).

    npm install
    npx xenlet run main.ts                  # build it, boot it on a real Xen, exit as it does
    npx xenlet build main.ts -o image.elf   # the PVH image alone

\`npx xenlet run --help\` tells about memory, vCPUs, gdb, Xen's versions and exit codes;
\`npx xenlet doctor\` says what is missing on this machine.
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
  version: string;
  dependencies: Record<string, string>;
}

/** Name and text of each file. `name`: of the folder. */
export function starterFiles(name: string): Record<string, string> {
  const own = JSON.parse(
    readFileSync(path.join(packageRoot, "package.json"), "utf8"),
  ) as OwnPackage;
  // npm's names: lower case, no leading dot or dash.
  const packageName = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[-._]+/, "");
  const manifest = {
    name: packageName === "" ? "guest" : packageName,
    private: true,
    type: "module",
    scripts: { start: "xenlet run main.ts", build: "xenlet build main.ts -o image.elf" },
    devDependencies: {
      // For the editor: the compiler itself comes with xenlet.
      assemblyscript: own.dependencies["assemblyscript"],
      xenlet: `^${own.version}`,
    },
  };
  return {
    "main.ts": MAIN,
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "tsconfig.json": TSCONFIG,
    "asconfig.json": ASCONFIG,
    "README.md": readme(name),
    ".gitignore": GITIGNORE,
  };
}
