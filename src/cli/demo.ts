import path from "node:path";
import type { Command } from "commander";
import { packageRoot } from "../package-root.js";
import { bootSession, type SessionOptions } from "./boot-session.js";
import type { Context } from "./context.js";
import * as option from "./options.js";
import { describeRun, runDocument } from "./report.js";
import { nameXen } from "../machine/xen-name.js";

export function addDemo(program: Command, context: Context): void {
  program
    .command("demo")
    .summary("boot the example guest, and tell what happens")
    .description(
      "Boots examples/demo.ts as Xen's PVH dom0, and prints its story: one line a step, then the verdict.\n" +
        "With --cmdline break=event the guest is broken on purpose, and the demo has to fail.",
    )
    .addOption(option.XEN())
    .addOption(option.TIMEOUT())
    .addOption(option.CMDLINE())
    .addOption(option.HYPERCALL())
    .addOption(option.JSON_OUTPUT())
    .addOption(option.VERBOSE())
    .addOption(option.QUIET())
    .action((options: SessionOptions & { verbose?: true }) => demo(options, context));
}

async function demo(options: SessionOptions & { verbose?: true }, context: Context): Promise<void> {
  const file = path.join(packageRoot, "examples", "demo.ts");
  const machine = { ...options, mem: 128, vcpus: 1, on: "dom0" as const };
  let steps = 0;
  const { result, image, qemu } = await bootSession(file, machine, context, {
    onRecord: ({ kind, payload }) => {
      if (kind === "step" && options.json !== true)
        context.print(`${String(++steps).padStart(2)}. ${payload}`);
    },
    onConsole: (line) => {
      context.say(line);
    },
    onXenLine: (line) => {
      if (options.verbose === true) context.say(line);
    },
  });
  const good = result.verdict === "exit" && result.guestCode === 0;
  if (options.json === true)
    context.printJson(runDocument(result, { image: image.path, build: image.build, qemu }));
  else
    context.print(
      `verdict: ${good ? "good" : "BAD"}: ${result.message}, on ${nameXen(result.xen)}`,
    );
  if (!good && result.verdict !== "exit") for (const line of describeRun(result)) context.say(line);
  context.exitWith(result.exitCode);
}
