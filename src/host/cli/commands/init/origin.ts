// Where this package was installed from: what a new folder's package.json names.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { packageRoot } from "../../../base/package-root.js";

export type Origin =
  /** From a registry. */
  | { from: "registry"; version: string }
  /** From a tarball or a folder of this machine; absolute. */
  | { from: "path"; path: string }
  /** From anywhere else: an address, as npm was given it. */
  | { from: "address"; address: string };

interface Lock {
  packages?: Record<string, { resolved?: string } | undefined>;
}
interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** How npm names a registry's tarball, whatever the registry: …/NAME/-/NAME-VERSION.tgz. */
const REGISTRY_TARBALL = /^https?:\/\/.*\/-\/[^/]+\.tgz$/;

/** `root`: of the package, without symbolic links; a clone that npm has linked to is itself. */
export function packageOrigin(root = packageRoot): Origin {
  const { name, version } = (read(path.join(root, "package.json")) as Manifest | null) ?? {
    name: "xenlet",
    version: "0.0.0",
  };
  const modules = path.dirname(root);
  if (path.basename(modules) !== "node_modules") return { from: "path", path: root };
  const spec = lockedSpec(modules, name) ?? wantedSpec(modules, name);
  if (spec === null || REGISTRY_TARBALL.test(spec.text)) return { from: "registry", version };
  const local = /^(?:file|link):(.*)$/.exec(spec.text)?.[1];
  if (local !== undefined) return { from: "path", path: path.resolve(spec.base, local) };
  return /^[a-z+]+:/.test(spec.text)
    ? { from: "address", address: spec.text }
    : { from: "registry", version };
}

interface Spec {
  text: string;
  /** What a path in it is relative to. */
  base: string;
}

/** npm's own record of what it has put into this node_modules. */
function lockedSpec(modules: string, name: string): Spec | null {
  const lock = read(path.join(modules, ".package-lock.json")) as Lock | null;
  const text = lock?.packages?.[`node_modules/${name}`]?.resolved;
  return text === undefined ? null : { text, base: path.dirname(modules) };
}

/** Of other package managers: what the project asks for. */
function wantedSpec(modules: string, name: string): Spec | null {
  for (let base = path.dirname(modules); ; base = path.dirname(base)) {
    const manifest = read(path.join(base, "package.json")) as Manifest | null;
    const text = manifest?.devDependencies?.[name] ?? manifest?.dependencies?.[name];
    if (text !== undefined) return { text, base };
    if (base === path.dirname(base)) return null;
  }
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

/** As package.json has it, for a project in `folder`; and, if npm cannot find that, what to say about it. */
export function dependencyOn(
  origin: Origin,
  folder: string,
): { spec: string; problem: string | null } {
  switch (origin.from) {
    case "registry":
      return { spec: `^${origin.version}`, problem: null };
    case "address":
      return { spec: origin.address, problem: null };
    case "path": {
      const spec = `file:${path.relative(path.resolve(folder), origin.path)}`;
      const problem = existsSync(origin.path)
        ? null
        : `xenlet was installed from ${origin.path}, which no longer exists: put it back before \`npm install\`, or name another place for "xenlet" in package.json`;
      return { spec, problem };
    }
  }
}
