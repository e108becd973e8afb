/** The real command, bundled as it is shipped, on stand-ins for QEMU and Xen. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa, type Options } from "execa";
import { FAKE_QEMU_COMMAND, fakeImage, fakeXenFile } from "../../fixtures/stand-ins.js";

const top = fileURLToPath(new URL("../../..", import.meta.url));

export interface Command {
  /** The bundle. */
  entry: string;
  /** A folder of this test's own. */
  folder: string;
  image: string;
  env: Record<string, string>;
  /** Arguments that make `run` take the stand-in for Xen, which knows of no domain but dom0. */
  xen: string[];
  run(
    args: string[],
    options?: Options,
  ): Promise<{
    exitCode: number | undefined;
    signal: string | undefined;
    stdout: string;
    stderr: string;
  }>;
  dispose(): Promise<void>;
}

export async function bundleCommand(): Promise<Command> {
  const folder = await mkdtemp(path.join(tmpdir(), "xenlet-cli-"));
  // Inside of the repository: packages are found from there, and so are xenlet's own files.
  const bundle = await mkdtemp(path.join(top, "node_modules", ".xenlet-cli-test-"));
  const entry = path.join(bundle, "cli.js");
  await execa(process.execPath, ["scripts/bundle.js", bundle], { cwd: top });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    XENLET_CACHE: path.join(folder, "cache"),
    XENLET_QEMU: FAKE_QEMU_COMMAND,
  };
  return {
    entry,
    folder,
    image: await fakeImage(folder),
    env,
    xen: ["--on", "dom0", "--xen", await fakeXenFile(folder)],
    async run(args, options = {}) {
      const result = await execa(process.execPath, [entry, ...args], {
        cwd: folder,
        extendEnv: false,
        reject: false,
        stdin: "ignore",
        ...options,
        env: { ...env, ...options.env },
      });
      return {
        exitCode: result.exitCode,
        signal: result.signal,
        stdout: String(result.stdout),
        stderr: String(result.stderr),
      };
    },
    async dispose() {
      await rm(bundle, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
