import path from "node:path";
import { Argument, type Command } from "commander";
import { UserError } from "../../../base/errors.js";
import { ExitCode, exitCodesText } from "../../../base/exit-codes.js";
import { nameXen } from "../../../boot/xen-name.js";
import { packageRoot } from "../../../base/package-root.js";
import { bootSession, type Session, type SessionOptions } from "../../boot-session.js";
import type { Context } from "../../context.js";
import { checkOutput, writeOutput } from "../../outputs.js";
import { storyPage } from "./story-page.js";
import { toldStory } from "./steps.js";
import { KexecStory, showLine, type StoryLine } from "./story.js";
import * as option from "../../options.js";
import { describeRun, printable, runDocument } from "../../report.js";

type DemoOptions = SessionOptions & { verbose?: true; reset: boolean; html?: string };

const STORIES = ["kexec", "scheduler"] as const;

const EXIT_CODES = exitCodesText(`  0    every step happened as it should
  else the guest's own, or those of \`xenlet run\`; with --no-reset always 1 or more`);

export function addDemo(program: Command, context: Context): void {
  program
    .command("demo")
    .summary("run a demonstration: soft reset, kexec, a crash kernel")
    .description(
      "kexec (the default): a kernel claims its domain's one-time resources, prepares, requests a soft reset and jumps " +
        "into a second kernel, which finds a clean domain and crashes into a third (examples/kexec.ts). With --no-reset " +
        "the soft reset is skipped, and the second kernel fails.\n\n" +
        "scheduler: yield, poll, block and shutdown as Xen's dom0 (examples/demo.ts). With --cmdline break=event it is " +
        "broken on purpose and must fail.",
    )
    .addArgument(new Argument("[story]", "which demonstration").choices(STORIES).default("kexec"))
    .option("--no-reset", "skip the soft reset")
    .option(
      "--html <file>",
      "write an HTML page that shows the kexec story with the soft reset and without it",
    )
    .addOption(option.XEN())
    .addOption(option.TIMEOUT())
    .addOption(option.CMDLINE())
    .addOption(option.HYPERCALL())
    .addOption(option.JSON_OUTPUT())
    .addOption(option.VERBOSE())
    .addOption(option.QUIET())
    .addHelpText("after", EXIT_CODES)
    .action((story: (typeof STORIES)[number], options: DemoOptions) =>
      story === "kexec" ? kexec(options, context) : scheduler(options, context),
    );
}

async function kexec(options: DemoOptions, context: Context): Promise<void> {
  const { html } = options;
  if (html !== undefined) await checkOutput(html, "the page");
  const { story, session } = await tell(options.reset, options, context, (line) => {
    if (options.json !== true) context.print(printableStory(showLine(line)));
  });
  const { result, image, qemu } = session;
  const { good, expected, text } = story.verdict(result);
  if (options.json === true)
    context.printJson({
      story: { name: "kexec", reset: options.reset, good, text, lines: story.lines },
      ...(runDocument(result, { image: image.path, build: image.build, qemu }) as object),
    });
  else {
    const frames = result.trap?.frames.map((frame) => frame.text.replace(/ \(.*/, "")) ?? [];
    if (good) context.print(`      the crashed kernel's stack: ${frames.join(" ← ")}`);
    context.print(
      `${good ? "PASS: " : expected ? "" : "FAIL: "}${text}; on ${nameXen(result.xen)}`,
    );
  }
  if (!good && result.verdict !== "exit")
    for (const line of describeRun(result, options.verbose === true)) context.say(line);
  if (html !== undefined) {
    context.say(`the same ${options.reset ? "without" : "with"} the soft reset, for ${html}`);
    const other = await tell(!options.reset, options, context, () => undefined);
    const stories = [toldStory(story, result), toldStory(other.story, other.session.result)].sort(
      (one, two) => Number(two.reset) - Number(one.reset),
    );
    await writeOutput(html, storyPage(nameXen(result.xen), stories), "the page");
  }
  context.exitWith(good ? ExitCode.OK : result.exitCode === 0 ? 1 : result.exitCode);
}

/** Boots the story once, and tells it line by line. */
async function tell(
  reset: boolean,
  options: DemoOptions,
  context: Context,
  onLine: (line: StoryLine) => void,
): Promise<{ story: KexecStory; session: Session }> {
  const file = path.join(packageRoot, "examples", "kexec.ts");
  const cmdline = [options.cmdline, reset ? "" : "reset=no"].filter(Boolean).join(" ");
  const story = new KexecStory(reset, onLine);
  const session = await bootSession(
    file,
    { ...options, cmdline, mem: 128, vcpus: 1, on: "domu" },
    context,
    {
      onRecord: (record) => {
        story.guest(record);
      },
      onToolstackRecord: (record) => {
        story.toolstack(record);
      },
      onConsole: (line) => {
        context.say(line);
      },
      onXenLine: (line) => {
        if (options.verbose === true) context.say(line);
      },
    },
    // Every kernel of the story is this image.
    ({ path: image }) => ({ modules: [image], tellState: true }),
  );
  return { story, session };
}

/** What the guest says must not steer the terminal; the arrow is ours. */
function printableStory(line: string): string {
  return line.split("→").map(printable).join("→");
}

async function scheduler(options: DemoOptions, context: Context): Promise<void> {
  if (!options.reset) throw new UserError("--no-reset is for the kexec story");
  if (options.html !== undefined) throw new UserError("--html is for the kexec story");
  const file = path.join(packageRoot, "examples", "demo.ts");
  let steps = 0;
  const { result, image, qemu } = await bootSession(
    file,
    { ...options, mem: 128, vcpus: 1, on: "dom0" },
    context,
    {
      onRecord: ({ kind, payload }) => {
        if (kind === "step" && options.json !== true)
          context.print(showLine({ number: ++steps, text: printable(payload) }));
      },
      onConsole: (line) => {
        context.say(line);
      },
      onXenLine: (line) => {
        if (options.verbose === true) context.say(line);
      },
    },
  );
  const good = result.verdict === "exit" && result.guestCode === 0;
  if (options.json === true)
    context.printJson(runDocument(result, { image: image.path, build: image.build, qemu }));
  else context.print(`${good ? "PASS" : "FAIL"}: ${result.message}, on ${nameXen(result.xen)}`);
  if (!good && result.verdict !== "exit")
    for (const line of describeRun(result, options.verbose === true)) context.say(line);
  context.exitWith(result.exitCode);
}
