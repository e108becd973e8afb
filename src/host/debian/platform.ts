// The machine that xenlet runs on: whether it can, and which system it is.

import { readFile } from "node:fs/promises";
import { arch, platform } from "node:os";

import type { Check } from "./check.js";

export interface Machine {
  /** As Node names them. */
  platform: string;
  arch: string;
  /** /etc/os-release; empty where there is none. */
  osRelease: string;
}

export async function thisMachine(): Promise<Machine> {
  const osRelease = await readFile("/etc/os-release", "utf8").catch(() => "");
  return { platform: platform(), arch: arch(), osRelease };
}

const NAMES: Readonly<Record<string, string>> = {
  darwin: "macOS",
  win32: "Windows",
  linux: "Linux",
  arm64: "ARM",
  x64: "x86-64",
};

/** Why nothing of xenlet can work there, in one sentence; or null. */
export function unsupported(machine: Machine): string | null {
  if (machine.platform === "linux" && machine.arch === "x64") return null;
  const [system, processor] = [machine.platform, machine.arch].map((name) => NAMES[name] ?? name);
  return `xenlet needs Linux on x86-64, and this is ${system ?? ""} on ${processor ?? ""}: use such a machine, or a virtual one (guests are compiled by its gcc, and Xen runs in its QEMU)`;
}

/** Systems that xenlet is known to work on. */
const KNOWN = [
  { id: "debian", version: "12", name: "Debian 12" },
  { id: "debian", version: "13", name: "Debian 13" },
  { id: "ubuntu", version: "24.04", name: "Ubuntu 24.04" },
];

export function systemCheck({ osRelease }: Machine): Check {
  const field = (name: string): string =>
    new RegExp(`^${name}=["']?([^"'\\n]*)`, "m").exec(osRelease)?.[1] ?? "";
  const [id, version] = [field("ID"), field("VERSION_ID")];
  const known = KNOWN.find((one) => one.id === id && one.version === version);
  const names = KNOWN.map(({ name }) => name);
  return {
    name: "system",
    present: known !== undefined,
    version: known?.name ?? (field("PRETTY_NAME") || null),
    needed: "optional",
    fix: null,
    detail:
      known === undefined
        ? `not tested with xenlet; known to work: ${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`
        : "known to work",
  };
}
