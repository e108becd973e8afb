// What asc finds beside its own standard library: the guest runtime, the toolstack, and what surrounds a program.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { packageRoot } from "../../base/package-root.js";

const librarySources = join(packageRoot, "src", "guest");
export const PROLOGUE = "xenlet-prologue";
export const EPILOGUE = "xenlet-epilogue";

/** Files that exist only for the compiler: what runs before and after the guest's own statements. */
export const virtualFiles = new Map([
  [
    `${PROLOGUE}.ts`,
    'import { attach } from "xenlet/internal/start/runtime";\nimport "xenlet/internal/start/globals";\nimport "xenlet/internal/start/process";\nimport "xenlet/internal/loop/timers";\nattach();\n',
  ],
  [`${EPILOGUE}.ts`, 'import { finish } from "xenlet/internal/start/runtime";\nfinish();\n'],
]);

/** What a guest's program calls without an import: asc's own that need a machine, and JavaScript's. */
export const globals = Object.entries({
  "xenlet/internal/start/globals": ["seed", "trace"],
  "xenlet/internal/start/process": ["process"],
  "xenlet/internal/loop/timers": ["setTimeout", "setInterval", "clearTimeout", "clearInterval"],
})
  .flatMap(([file, names]) => names.map((name) => `${name}=~lib/${file}/${name}`))
  .join(",");

/**
 * The guest runtime and the toolstack, by the names under which asc looks for library files: `xenlet/internal/sched/sched`,
 * `xenlet/toolstack/domain`, and `bindings/dom` and `bindings/node` in place of asc's own, so that console,
 * process, performance and Date are ours.
 */
export async function runtimeLibrary(): Promise<Map<string, string>> {
  const named = async (folder: string, name: (file: string) => string) => {
    const files = await readdir(join(librarySources, folder), { recursive: true });
    return Promise.all(
      files
        .filter((file) => file.endsWith(".ts"))
        .map(async (file): Promise<[string, string]> => {
          const text = await readFile(join(librarySources, folder, file), "utf8");
          return [name(file.slice(0, -".ts".length)), text];
        }),
    );
  };
  return new Map([
    ...(await named("bindings", (file) => `bindings/${file}`)),
    ...(await named("xenlet", (file) => `xenlet/${file}`)),
    ...(await named("toolstack", (file) => `xenlet/toolstack/${file}`)),
  ]);
}
