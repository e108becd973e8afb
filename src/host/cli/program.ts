/** The commands, and what they have in common: help, and how bad usage is told. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { EXIT_CODES_HELP } from "../base/exit-codes.js";
import { packageRoot } from "../base/package-root.js";
import { addBuild } from "./commands/build.js";
import { addCache } from "./commands/cache.js";
import { addConform } from "./commands/conform.js";
import type { Context } from "./context.js";
import { addDemo } from "./commands/demo/demo.js";
import { addDoctor } from "./commands/doctor.js";
import { addInit } from "./commands/init/init.js";
import { addInspect } from "./commands/inspect.js";
import { addReport } from "./commands/report-merge.js";
import { addRun } from "./commands/run.js";
import { addTest } from "./commands/test.js";
import { addXlConfig } from "./commands/xl-config.js";

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

/** Throws CommanderError instead of exiting: main.ts knows the exit codes. */
export function createProgram(context: Context): Command {
  const program = new Command("xenlet")
    .description("Xen guests in TypeScript: build them, boot them on a real Xen, look inside.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", EXIT_CODES_HELP)
    .exitOverride()
    .showHelpAfterError("(--help tells more)")
    .configureOutput({
      outputError: (text, write) => {
        write(`xenlet: ${text}${fileHint(text)}`);
      },
    });
  addInit(program, context);
  addBuild(program, context);
  addRun(program, context);
  addTest(program, context);
  addConform(program, context);
  addReport(program, context);
  addInspect(program, context);
  addXlConfig(program, context);
  addDoctor(program, context);
  addCache(program, context);
  addDemo(program, context);
  return program;
}
