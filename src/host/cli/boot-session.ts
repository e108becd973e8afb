/** From a command's argument to a boot's result: what `run` and `demo` have in common. */
import path from "node:path";
import { checkBootOptions, checkCoreFile, prepareBoot } from "../boot/boot-plan.js";
import {
  bootGuest,
  type BootOptions,
  type BootResult,
  type BootStart,
  type OnSoftReset,
  type RecordsBy,
  type Way,
} from "../boot/boot.js";
import { checkQemuChoice, provideQemu, type Qemu } from "../debian/index.js";
import { checkCommandLine, quoteCommand } from "../boot/qemu.js";
import { createProgress } from "../base/progress.js";
import { Interrupted, type CommonOptions, type Context } from "./context.js";
import {
  checkReadable,
  guestImage,
  keptFolder,
  type BuildChoices,
  type GuestImage,
} from "./guest-image.js";
import { gdbCommand } from "./gdb-command.js";
import { checkOutput } from "./outputs.js";
import { checkPlaces } from "./places.js";
import { checkXenChoice, chooseXen } from "./xen-choice.js";
import type { Optimize } from "../build/optimize.js";
import { given } from "../base/given.js";

export interface SessionOptions extends CommonOptions, BuildChoices {
  xen: string;
  mem: number;
  vcpus: number;
  pcpus?: number;
  boot?: BootStart;
  on: Way;
  timeout: number;
  gdb?: number;
  cmdline?: string;
  env?: string[];
  qemuArg?: string[];
  module?: string[];
  onSoftReset?: OnSoftReset;
  records?: RecordsBy;
  log?: string;
  core?: string;
  force?: true;
}

type Callbacks = Pick<
  BootOptions,
  "onConsole" | "onOutput" | "onRecord" | "onToolstackRecord" | "onXenLine"
>;

/** What depends on the image. */
type More = (image: GuestImage) => Partial<BootOptions>;

export interface Session {
  result: BootResult;
  image: GuestImage;
  qemu: Qemu;
}

/** Builds if need be, gets Xen and QEMU, boots. */
export async function bootSession(
  file: string,
  options: SessionOptions,
  context: Context,
  callbacks: Callbacks,
  more: More = () => ({}),
  onSources?: (files: string[]) => void,
): Promise<Session> {
  // A core is read beside its image.
  const keep = options.core !== undefined;
  return withBoot(file, options, context, { keep, onSources }, async ({ boot, image }) => {
    const { qemu } = boot;
    const kept: { log: string | null } = { log: null };
    try {
      const result = await bootGuest({
        ...boot,
        ...more(image),
        ...callbacks,
        onGdb: () => {
          // gdb gives an answer up after 2 s, less than the search for the guest may take on a busy machine.
          const attach = ["set remotetimeout 60", `target remote localhost:${options.gdb ?? ""}`];
          context.say(`waiting for gdb: ${gdbCommand({ file, image }, { commands: attach })}`);
        },
        onLog: (path) => {
          kept.log = path;
        },
      });
      return { result, image, qemu };
    } catch (error) {
      if (error instanceof Interrupted && kept.log !== null)
        context.say(`xenlet: log: ${kept.log}`);
      throw error;
    }
  });
}

/** The command that would boot it, as a shell reads it. The image stays. */
export async function describeBoot(
  file: string,
  options: SessionOptions,
  context: Context,
): Promise<{ command: string; argv: string[]; image: string }> {
  return withBoot(file, options, context, { keep: true }, async ({ boot, image }) => {
    const { args } = await prepareBoot(boot, await keptFolder(`run of ${file}`));
    const { command, args: first, env } = boot.qemu;
    const argv = [...first, ...args];
    return {
      command: quoteCommand(command, argv, env),
      argv: [command, ...argv],
      image: image.path,
    };
  });
}

async function withBoot<T>(
  file: string,
  options: SessionOptions,
  context: Context,
  { keep, onSources }: { keep: boolean; onSources?: ((files: string[]) => void) | undefined },
  use: (ready: { boot: BootOptions; image: GuestImage }) => Promise<T>,
): Promise<T> {
  const { signal } = context;
  await checkReadable(file, "a guest's source (FILE.ts), Wasm module (FILE.wasm) or image");
  for (const module of options.module ?? []) await checkReadable(module, "a boot module");
  checkBootOptions({
    on: options.on,
    memoryMiB: options.mem,
    vcpus: options.vcpus,
    ...given({ onSoftReset: options.onSoftReset, core: options.core }),
  });
  checkCommandLine(options.cmdline ?? "");
  if (options.log !== undefined) await checkOutput(options.log, "the log");
  if (options.core !== undefined) await checkCoreFile(options.core);
  await checkPlaces();
  await checkXenChoice(options.xen, signal);
  await checkQemuChoice(signal);
  const progress = createProgress(process.stderr, { quiet: options.quiet === true });
  onSources?.((options.module ?? []).map((module) => path.resolve(module)));
  // What waits for a change is built for one run.
  const optimize: Optimize = onSources === undefined ? "full" : "quick";
  const image = await guestImage(file, options, {
    progress,
    signal,
    keep,
    optimize,
    ...given({ onSources }),
  });
  try {
    const xen = await chooseXen(options.xen, progress, signal);
    const qemu = await provideQemu(progress, { signal });
    const boot: BootOptions = {
      image: image.path,
      xen,
      qemu,
      memoryMiB: options.mem,
      vcpus: options.vcpus,
      on: options.on,
      progress,
      timeoutMs: options.timeout,
      name: file,
      input: () => process.stdin,
      signal,
      onNote: (text) => {
        if (options.quiet !== true) context.say(`xenlet: ${text}`);
      },
      ...given({
        pcpus: options.pcpus,
        boot: options.boot,
        cpu: options.cpu,
        core: options.core,
        gdbPort: options.gdb,
        cmdline: options.cmdline,
        arguments: context.passedOn,
        environment: options.env,
        qemuArgs: options.qemuArg,
        modules: options.module,
        onSoftReset: options.onSoftReset,
        records: options.records,
        log: options.log,
        force: options.force,
      }),
    };
    return await use({ boot, image });
  } finally {
    await image.dispose();
  }
}
