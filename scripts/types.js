/**
 * Writes what an editor knows the package by: dist/host.d.ts, the Node library's declarations in one file, and
 * dist/guest/, those of the guest library with a tsconfig.json for a guest's folder to extend.
 *
 * The guest library is AssemblyScript. tsc rejects decorators on functions, so each is blanked out before it is parsed; what a
 * declaration says does not depend on them. What is left of AssemblyScript's own (types that tsc knows no members of)
 * concerns bodies only: a declaration that tsc itself cannot write is an error here.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { generateDtsBundle } from "dts-bundle-generator";
import ts from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = path.join(root, "src/guest");
const output = path.join(root, "dist/guest");

/**
 * For a guest's folder. AssemblyScript's own std/assembly.json extends a file that its package lacks, and names options
 * that TypeScript 7 refuses. The package may have AssemblyScript beside it or inside of it.
 */
const TSCONFIG = {
  compilerOptions: {
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    noLib: true,
    noEmit: true,
    strict: true,
    // AssemblyScript zeroes fields without an initializer.
    strictPropertyInitialization: false,
    skipLibCheck: true,
    experimentalDecorators: true,
    typeRoots: ["../../../assemblyscript/std/types", "../../node_modules/assemblyscript/std/types"],
    types: ["assembly"],
  },
  files: ["./globals.d.ts"],
};

/** What AssemblyScript's numbers have and its declarations leave out: they are literals too. */
const GLOBALS = "interface Number {\n  toString(radix?: i32): string;\n}\n";

/** Decorators that begin a line, of functions, variables and classes. */
const DECORATOR = /^([ \t]*(?:export )?)((?:@[A-Za-z_]\w*(?:\([^()\n]*\))?[ \t]*)+)/gm;

/** @param {string} text */
export function withoutDecorators(text) {
  return text.replace(
    DECORATOR,
    (_, /** @type {string} */ before, /** @type {string} */ decorators) =>
      before + " ".repeat(decorators.length),
  );
}

export async function writeGuestTypes(folder = output) {
  const config = ts.getParsedCommandLineOfConfigFile(
    path.join(sources, "tsconfig.json"),
    {
      noEmit: false,
      noEmitOnError: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: sources,
      outDir: folder,
    },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail },
  );
  if (config === undefined) throw new Error("src/guest/tsconfig.json cannot be read");
  const host = ts.createCompilerHost(config.options);
  const read = host.readFile.bind(host);
  host.getSourceFile = (name, version) => {
    const text = read(name);
    if (text === undefined) return undefined;
    const ours = name.startsWith(sources + path.sep) && !name.endsWith(".d.ts");
    return ts.createSourceFile(name, ours ? withoutDecorators(text) : text, version, true);
  };
  const entries = config.fileNames.filter((name) => isEntry(path.relative(sources, name)));
  const program = ts.createProgram(entries, config.options, host);
  await rm(folder, { recursive: true, force: true });
  /** @type {[string, string][]} */
  const files = [];
  const { diagnostics } = program.emit(
    undefined,
    (name, text) => files.push([name, text]),
    undefined,
    true,
  );
  diagnostics.forEach(fail);
  for (const [name, text] of files) {
    await mkdir(path.dirname(name), { recursive: true });
    await writeFile(name, withRelativeImports(text, name, folder));
  }
  await writeFile(path.join(folder, "tsconfig.json"), `${JSON.stringify(TSCONFIG, null, 2)}\n`);
  await writeFile(path.join(folder, "globals.d.ts"), GLOBALS);
}

/**
 * Our own paths are no entries of the package: an editor would find nothing there, and take what they bring for `any`.
 * @param {string} text @param {string} name @param {string} folder
 */
function withRelativeImports(text, name, folder) {
  return text.replaceAll(
    /"xenlet\/((?:internal|toolstack)\/[^"]+)"/g,
    (_, /** @type {string} */ own) => {
      const target = path.join(folder, own.startsWith("toolstack/") ? own : `xenlet/${own}`);
      const relative = path.relative(path.dirname(name), target);
      return JSON.stringify(relative.startsWith(".") ? relative : `./${relative}`);
    },
  );
}

/** The Node library's declarations, none of whose imports brings AssemblyScript's globals along. */
async function writeHostTypes() {
  const [text] = generateDtsBundle(
    [
      {
        filePath: path.join(root, "src/host/index.ts"),
        output: { noBanner: true, exportReferencedTypes: false },
      },
    ],
    { preferredConfigPath: path.join(root, "tsconfig.build.json") },
  );
  if (text === undefined) throw new Error("the Node library has no declarations");
  await writeFile(path.join(root, "dist/host.d.ts"), text);
}

/** What a program may import; whatever those import comes along. @param {string} file */
function isEntry(file) {
  return file.startsWith("xenlet/")
    ? !file.startsWith("xenlet/internal/")
    : file === "toolstack/index.ts";
}

/** @param {ts.Diagnostic} diagnostic @returns {never} */
function fail(diagnostic) {
  throw new Error(
    ts.formatDiagnostic(diagnostic, {
      getCurrentDirectory: () => root,
      getCanonicalFileName: (name) => name,
      getNewLine: () => "\n",
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await writeGuestTypes();
  await writeHostTypes();
}
