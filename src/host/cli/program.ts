/** The commands, and what they have in common: help, and how bad usage is reported. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { EXIT_CODES_HELP } from "../base/exit-codes.js";
import { packageRoot } from "../base/package-root.js";
import type { Context } from "./context.js";

type Add = (program: Command, context: Context) => void;

/** In the order of the help. Each is a module of its own with what it needs, which is loaded for that command only. */
const COMMANDS: Record<string, () => Promise<Add>> = {
  init: async () => (await import("./commands/init/init.js")).addInit,
  build: async () => (await import("./commands/build.js")).addBuild,
  run: async () => (await import("./commands/run.js")).addRun,
  test: async () => (await import("./commands/test.js")).addTest,
  conform: async () => (await import("./commands/conform.js")).addConform,
  report: async () => (await import("./commands/report-merge.js")).addReport,
  inspect: async () => (await import("./commands/inspect.js")).addInspect,
  "xl-config": async () => (await import("./commands/xl-config.js")).addXlConfig,
  doctor: async () => (await import("./commands/doctor.js")).addDoctor,
  cache: async () => (await import("./commands/cache.js")).addCache,
  demo: async () => (await import("./commands/demo/demo.js")).addDemo,
};

/** Those that the words need: the one that is called; none to print the version; for help and for mistakes, all. */
async function commandsFor([first = "", ...others]: string[]): Promise<Add[]> {
  if (Object.hasOwn(COMMANDS, first)) return [await (COMMANDS[first] as () => Promise<Add>)()];
  if (["-V", "--version"].includes(first) && others.length === 0) return [];
  return Promise.all(Object.values(COMMANDS).map((load) => load()));
}

export function packageVersion(): string {
  const text = readFileSync(path.join(packageRoot, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** A file whose name begins with a dash is taken for an option. */
function fileHint(text: string): string {
  const name = /^error: unknown option '(-[^']*)'/.exec(text)?.[1];
  if (name === undefined || !(existsSync(name) || /\.(?:ts|wasm|elf)$/.test(name))) return "";
  return `  try: ./${name}\n`;
}

/**
 * The program as `words`, the command line, needs it. What it parses throws CommanderError instead of exiting: main.ts
 * knows the exit codes.
 */
export async function createProgram(words: string[], context: Context): Promise<Command> {
  const program = new Command("xenlet")
    .description("Xen guests in TypeScript: build them, boot them on a real Xen, inspect them.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", EXIT_CODES_HELP)
    .exitOverride()
    .showHelpAfterError("(see --help)")
    .configureOutput({
      outputError: (text, write) => {
        write(`xenlet: ${text}${fileHint(text)}`);
      },
    });
  for (const add of await commandsFor(words)) add(program, context);
  return program;
}
