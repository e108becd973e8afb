/**
 * Writes docs/api, the reference of what the package exports, from the declarations that an editor sees (scripts/types.js)
 * and their docstrings, by TypeDoc: a page for each entry of package.json's exports. What has no docstring is an error.
 *
 * xenlet/raw/abi/… is left out: its names and values are Xen's, and each file names the header that has their meaning.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Application, LogLevel } from "typedoc";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The declarations of package.json's exports: of `xenlet/host`, and of all others. A pattern stands for the files in its folder. */
async function entries() {
  /** @type {{ exports: Record<string, string | { types: string }> }} */
  const { exports } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  /** @type {string[]} */
  const host = [];
  /** @type {string[]} */
  const guest = [];
  for (const [name, target] of Object.entries(exports)) {
    if (typeof target === "string") continue;
    const file = path.join(root, target.types);
    if (name === "./host") host.push(file);
    else if (!file.endsWith("*.d.ts")) guest.push(file);
    else
      for (const one of await readdir(path.dirname(file)))
        if (one.endsWith(".d.ts")) guest.push(path.join(path.dirname(file), one));
  }
  return { host, guest };
}

/** The names, the declarations and the tsconfig of each world's entries. */
async function worlds() {
  const { host, guest } = await entries();
  return [
    {
      name: "guest",
      title: "xenlet for guests",
      tsconfig: path.join(root, "dist/guest/tsconfig.json"),
      base: path.join(root, "dist/guest"),
      entryPoints: guest,
    },
    {
      name: "host",
      title: "xenlet/host for Node",
      tsconfig: path.join(root, "tsconfig.json"),
      base: path.join(root, "dist"),
      entryPoints: host,
    },
  ];
}

/** Xen's own names, whose meaning is in the headers that each file names. */
const ABI = /raw\/abi\/|raw\/errno\.E[A-Z0-9]+ /;

/** Of what writeApiDocs() returns, what this project has to document. @param {string[]} complaints */
export function ownComplaints(complaints) {
  return complaints.filter((complaint) => !ABI.test(complaint));
}

/** Returns what has no docstring, a sentence each, Xen's own names included. */
export async function writeApiDocs(folder = path.join(root, "docs/api")) {
  const complaints = [];
  await rm(folder, { recursive: true, force: true });
  for (const { name, title, tsconfig, base, entryPoints } of await worlds()) {
    const scratch = await mkdtemp(path.join(tmpdir(), "xenlet-api-"));
    try {
      const config = path.join(scratch, "tsconfig.json");
      const files = [...entryPoints];
      /** @type {Record<string, unknown>} */
      const compilerOptions = { rootDir: "/" };
      if (name === "guest") {
        const types = path.join(scratch, "assemblyscript.d.ts");
        await writeFile(types, await assemblyScriptTypes());
        files.push(types);
        compilerOptions["types"] = [];
      }
      await writeFile(
        config,
        JSON.stringify({ extends: tsconfig, compilerOptions, files, include: [] }),
      );
      complaints.push(
        ...(await writeWorld(title, config, base, entryPoints, path.join(folder, name))),
      );
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return complaints;
}

/** AssemblyScript's declarations, with numbers that are types of their own: an alias would be shown as `number`. */
async function assemblyScriptTypes() {
  const file = path.join(root, "node_modules/assemblyscript/std/assembly/index.d.ts");
  return (await readFile(file, "utf8")).replaceAll(
    /^declare type (\w+) = (?:number|boolean);$/gm,
    "declare interface $1 {}",
  );
}

/**
 * @param {string} title
 * @param {string} tsconfig
 * @param {string} base
 * @param {string[]} entryPoints
 * @param {string} out
 */
async function writeWorld(title, tsconfig, base, entryPoints, out) {
  /** @type {string[]} */
  const complaints = [];
  const app = await Application.bootstrapWithPlugins(
    /** @type {import("typedoc").TypeDocOptions} */ ({
      name: title,
      tsconfig,
      basePath: base,
      displayBasePath: base,
      entryPoints,
      plugin: ["typedoc-plugin-markdown"],
      outputs: [{ name: "markdown", path: out }],
      router: "module",
      readme: "none",
      // The declarations are checked by the tests of types; AssemblyScript's library is not here.
      skipErrorChecking: true,
      disableSources: true,
      disableGit: true,
      excludePrivate: true,
      hideGenerator: true,
      logLevel: "Warn",
      validation: { notDocumented: true, notExported: false, invalidLink: false },
      requiredToBeDocumented: ["Enum", "Variable", "Function", "Class", "Interface", "TypeAlias"],
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      parametersFormat: "table",
      enumMembersFormat: "table",
      interfacePropertiesFormat: "table",
    }),
  );
  app.logger.log = (message, level) => {
    if (level === LogLevel.Warn || level === LogLevel.Error) complaints.push(message);
  };
  const project = await app.convert();
  if (project === undefined) throw new Error(`TypeDoc could not read ${title}`);
  app.validate(project);
  await app.generateOutputs(project);
  for (const name of await readdir(out, { recursive: true }))
    if (name.endsWith(".md")) await unnumberLinks(path.join(out, name));
  return complaints;
}

/**
 * typedoc-plugin-markdown 4.14.1 numbers a heading that its page has once (`#domaininfo-1`) where a symbol of another page
 * has the same name in lower case: such a link loses its number.
 * @param {string} page
 */
async function unnumberLinks(page) {
  const text = await readFile(page, "utf8");
  const headings = [...text.matchAll(/^#+ ([\w.]+)/gm)].map(([, name = ""]) => name.toLowerCase());
  const once = text.replaceAll(/\]\(#([\w.]+)-\d+\)/g, (link, name) =>
    headings.filter((heading) => heading === name).length === 1 ? `](#${name})` : link,
  );
  if (once !== text) await writeFile(page, once);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const complaints = ownComplaints(await writeApiDocs());
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
