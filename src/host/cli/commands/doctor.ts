import type { Command } from "commander";
import { UserError } from "../../base/errors.js";
import { ExitCode, exitCodesHelp } from "../../base/exit-codes.js";
import { diagnose, thisMachine, unsupported, type Check } from "../../debian/index.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import * as option from "../options.js";

/** What a guest runs on, whatever the machine is. */
const PLATFORM = "AMD SVM with nested paging, emulated by QEMU's TCG; Xen's PVH dom0";

export function addDoctor(program: Command, context: Context): void {
  program
    .command("doctor")
    .summary("check what is needed, what is installed, and how to fix what is not")
    .description(
      "Checks everything that xenlet needs on this machine. Changes nothing, downloads nothing.",
    )
    .addOption(option.JSON_OUTPUT())
    .addHelpText(
      "after",
      exitCodesHelp(["ok", 122, 123], {
        ok: "everything that is needed is installed",
        122: "something is missing, or this machine cannot run it",
      }),
    )
    .action((options: CommonOptions) => doctor(options, context));
}

async function doctor(options: CommonOptions, context: Context): Promise<void> {
  refusePassedOn(context, "doctor");
  const why = unsupported(await thisMachine());
  if (why !== null) throw new UserError(why, { exitCode: ExitCode.HOST });
  const checks = await diagnose();
  const ok = checks.every((check) => check.present || check.needed === "optional");
  if (options.json === true) context.printJson({ ok, platform: PLATFORM, checks });
  else {
    const width = Math.max(...checks.map(({ name }) => name.length));
    for (const check of checks) context.print(describe(check, width));
    context.print(`${"platform".padEnd(width + 9)} ${PLATFORM}`);
    context.print(
      ok ? "Everything that is needed is installed." : "Something that is needed is missing.",
    );
  }
  context.exitWith(ok ? ExitCode.OK : ExitCode.HOST);
}

function describe(check: Check, width: number): string {
  const state = check.present ? "ok" : check.needed === "required" ? "MISSING" : "absent";
  const what = [check.version, check.detail].filter((text) => text !== null && text !== "");
  const fix = check.fix === null ? "" : `\n${" ".repeat(width + 10)}try: ${check.fix}`;
  return `${state.padEnd(8)} ${check.name.padEnd(width)} ${what.join("; ")}${fix}`;
}
