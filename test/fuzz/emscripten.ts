// Command-line tools that npm has as Emscripten programs (wabt's, Binaryen's), run in this process: started once,
// they take a few milliseconds a call instead of a few hundred.
//
// Such a program is a script around a WebAssembly module. The script is compiled once, as a function, and called
// for each run with fresh variables; the module is compiled once, too. That `main` is called from here, and not by
// the script, makes what it throws the caller's to catch.

import fs from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { compileFunction } from "node:vm";

export interface ToolResult {
  status: number;
  /** What it printed, both streams, by lines. */
  output: string;
}

/** As much of it as is used here; Node's types leave it to the browser's. */
interface Api {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => object;
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: Api };

type Receive = (instance: object, module: object) => void;
/** The script's parameters: its settings, and what CommonJS would give it. */
type Script = (
  settings: Record<string, unknown>,
  require: NodeJS.Require,
  process: unknown,
  filename: string,
  folder: string,
) => Internals;

/** What the script's own functions are called. */
interface Internals {
  findWasmBinary?: () => Uint8Array;
  callMain?: (args: string[]) => unknown;
}

export class EmscriptenTool {
  readonly #path: string;
  readonly #script: Script;
  readonly #module: object;

  private constructor(path: string, script: Script, module: object) {
    this.#path = path;
    this.#script = script;
    this.#module = module;
  }

  /** `path`: the program's file, as in node_modules/wabt/bin. */
  static async load(path: string): Promise<EmscriptenTool> {
    const text = (await readFile(path, "utf8")).replace(/^#!.*/, "");
    const script = compileFunction(
      `if (Module.binaryOnly) return { findWasmBinary };\n${text}\nreturn { callMain };`,
      ["Module", "require", "process", "__filename", "__dirname"],
      { filename: path },
    ) as Script;
    const { findWasmBinary } = script(
      { binaryOnly: true },
      createRequire(path),
      process,
      path,
      dirname(path),
    );
    const binary = findWasmBinary?.();
    if (binary === undefined) throw new Error(`${path} is no program of Emscripten's`);
    return new EmscriptenTool(path, script, new WebAssembly.Module(Buffer.from(binary)));
  }

  /** Runs the program; it sees files as this process does. Throws what the program throws, as a crash of its own. */
  async run(args: string[]): Promise<ToolResult> {
    const output: Buffer[] = [];
    const keep = (bytes: string | Uint8Array): number => {
      output.push(Buffer.from(bytes));
      return bytes.length;
    };
    // What it takes for its process, and for the file system: its exit code and what it prints are the caller's.
    const itsProcess = Object.create(process, {
      exitCode: { value: 0, writable: true },
      argv: { value: [process.execPath, this.#path, ...args] },
    }) as { exitCode: number };
    const itsFs = {
      ...fs,
      writeSync: (fd: number, ...rest: [Uint8Array, number?, number?]): number =>
        fd === 1 || fd === 2 ? keep(slice(...rest)) : fs.writeSync(fd, ...rest),
    };
    const load = createRequire(this.#path);
    const itsRequire = ((id: string): unknown =>
      id.replace(/^node:/, "") === "fs" ? itsFs : load(id)) as NodeJS.Require;
    let give = (): void => undefined;
    let ready = (): void => undefined;
    const initialised = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const settings = {
      noInitialRun: true,
      onRuntimeInitialized: ready,
      thisProgram: this.#path,
      print: (line: string) => keep(`${line}\n`),
      printErr: (line: string) => keep(`${line}\n`),
      instantiateWasm: (imports: object, receive: Receive) => {
        give = () => {
          receive(new WebAssembly.Instance(this.#module, imports), this.#module);
        };
      },
    };
    const { callMain } = this.#script(
      settings,
      itsRequire,
      itsProcess,
      this.#path,
      dirname(this.#path),
    );
    give();
    await initialised;
    callMain?.([...args]);
    return { status: itsProcess.exitCode, output: Buffer.concat(output).toString() };
  }
}

function slice(bytes: Uint8Array, offset = 0, length = bytes.length - offset): Uint8Array {
  return bytes.subarray(offset, offset + length);
}
