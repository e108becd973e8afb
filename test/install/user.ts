// What a new user has: an empty folder, npm, some gcc, and the package; from where a registry, a tarball or a clone
// gives it.

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import { serveRegistry, type Registry } from "./npm-registry.js";

export const root = path.resolve(import.meta.dirname, "../..");

/** Everything that npm could ask for is out of reach. */
export const OFFLINE = { npm_config_offline: "true" };

/** Makes the tarball of what stands in `from`, as it stands: what `prepack` makes is there, or is not in it. */
export async function pack(from: string, target: string): Promise<string> {
  const args = ["pack", "--silent", "--ignore-scripts", "--pack-destination", target];
  const { stdout } = await execa("npm", args, { cwd: from });
  return path.join(target, stdout.trim().split("\n").at(-1) ?? "");
}

export class User {
  #registry: Registry | undefined;

  private constructor(
    readonly folder: string,
    /** Before everything else in PATH; need not exist. */
    readonly bin: string,
  ) {}

  static async create(): Promise<User> {
    // Outside of the repository: npm takes an empty folder below a package for a part of that.
    const folder = await mkdtemp(path.join(tmpdir(), "xenlet-user-"));
    return new User(folder, path.join(folder, "bin"));
  }

  /** From then on npm asks a registry that has this package. */
  async publish(tarball: string): Promise<void> {
    this.#registry = await serveRegistry(root, tarball);
  }

  async dispose(): Promise<void> {
    await this.#registry?.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Fails the test where the line fails. */
  async shell(cwd: string, line: string, env: Record<string, string> = {}) {
    const { stdout, stderr, exitCode } = await execa("sh", ["-ec", line], {
      cwd,
      reject: false,
      stdin: "ignore",
      env: {
        PATH: `${this.bin}:${process.env["PATH"] ?? ""}`,
        npm_config_registry: this.#registry?.url ?? "",
        npm_config_audit: "false",
        npm_config_update_notifier: "false",
        ...env,
      },
    });
    expect(exitCode, `${line}\n${stdout}\n${stderr}`).toBe(0);
    return { stdout, stderr };
  }

  /** Installs `what` into an empty folder, and returns that. */
  async install(name: string, what: string): Promise<string> {
    const cwd = path.join(this.folder, name);
    await mkdir(cwd);
    await this.shell(cwd, `npm install '${what}'`);
    return cwd;
  }

  /** The commands that init prints, in their order. */
  async init(cwd: string, argument: string): Promise<string[]> {
    const { stderr } = await this.shell(cwd, `npx xenlet init ${argument}`);
    const lines = stderr.split("\n");
    return lines
      .slice(lines.indexOf("Now:") + 1)
      .map((line) => line.trim())
      .filter((line) => line !== "");
  }
}

/** Where a folder that init made has xenlet from. */
export async function dependency(cwd: string): Promise<string | undefined> {
  const text = await readFile(path.join(cwd, "package.json"), "utf8");
  return (JSON.parse(text) as { devDependencies: Record<string, string> }).devDependencies[
    "xenlet"
  ];
}
