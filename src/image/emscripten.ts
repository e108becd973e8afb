// Command-line tools that npm has as Emscripten programs (wabt's, Binaryen's), run in this process: started once,
// they take a few milliseconds a call instead of a few hundred.
//
// Such a program is a script that runs `main` as soon as its WebAssembly module is there. The script is compiled
// once, as a function, and called for each run with fresh variables; the module is compiled once, too, and given
// to it when the script has come to its end, so that a run begins and ends inside one call.

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

type Receive = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;
/** The script's parameters: its settings, and what CommonJS would give it. */
type Script = (
  settings: Record<string, unknown>,
  require: NodeJS.Require,
  process: unknown,
  filename: string,
  folder: string,
) => Uint8Array | undefined;

export class EmscriptenTool {
  readonly #path: string;
  readonly #script: Script;
  readonly #module: WebAssembly.Module;

  private constructor(path: string, script: Script, module: WebAssembly.Module) {
    this.#path = path;
    this.#script = script;
    this.#module = module;
  }

  /** `path`: the program's file, as in node_modules/wabt/bin. */
  static async load(path: string): Promise<EmscriptenTool> {
    const text = (await readFile(path, "utf8")).replace(/^#!.*/, "");
    // Asked for it, the script gives its WebAssembly and does nothing else.
    const script = compileFunction(
      `if (Module.binaryOnly) return findWasmBinary();\n${text}`,
      ["Module", "require", "process", "__filename", "__dirname"],
      { filename: path },
    ) as Script;
    const require = createRequire(path);
    const binary = script({ binaryOnly: true }, require, process, path, dirname(path));
    if (binary === undefined) throw new Error(`${path} is not a program that carries its own Wasm`);
    return new EmscriptenTool(path, script, new WebAssembly.Module(Buffer.from(binary)));
  }

  /** Runs the program; it sees files as this process does. Throws what the program throws, as a crash of its own. */
  run(args: string[]): ToolResult {
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
    let start = (): void => undefined;
    const settings = {
      arguments: args,
      thisProgram: this.#path,
      print: (line: string) => keep(`${line}\n`),
      printErr: (line: string) => keep(`${line}\n`),
      instantiateWasm: (imports: WebAssembly.Imports, receive: Receive) => {
        start = () => {
          receive(new WebAssembly.Instance(this.#module, imports), this.#module);
        };
      },
    };
    this.#script(settings, itsRequire, itsProcess, this.#path, dirname(this.#path));
    start();
    return { status: itsProcess.exitCode, output: Buffer.concat(output).toString() };
  }
}

function slice(bytes: Uint8Array, offset = 0, length = bytes.length - offset): Uint8Array {
  return bytes.subarray(offset, offset + length);
}
