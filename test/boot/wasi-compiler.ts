// Debian's clang with wasi-libc, from the cache: what an author of guests in C has.

import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { createProgress } from "../../src/host/base/progress.js";
import { providePackages } from "../../src/host/debian/index.js";

/** Debian's clang, run from the cache with its own libraries. */
export async function compileForWasi(source: string, output: string): Promise<string> {
  const { root } = await providePackages(
    ["clang-14", "lld-14", "wasi-libc", "libclang-rt-14-dev-wasm32"],
    "bookworm",
    createProgress(process.stderr, { quiet: true }),
    { closure: true },
  );
  const at = (path: string): string => join(root, path);
  const lib = "lib/x86_64-linux-gnu";
  const libraries = [lib, `usr/${lib}`, "usr/lib/llvm-14/lib"].map(at).join(":");
  const run = async (program: string, args: string[]): Promise<unknown> =>
    promisify(execFile)(at(`${lib}/ld-linux-x86-64.so.2`), [
      ...["--library-path", libraries, at(`usr/lib/llvm-14/bin/${program}`)],
      ...args,
    ]);
  const clang = at("usr/lib/llvm-14/lib/clang/14.0.6");
  const object = `${output}.o`;
  await run("clang", [
    ...["--target=wasm32-wasi", "-O2", "-Wall", "-Werror", "-nostdinc"],
    ...["-isystem", join(clang, "include"), "-isystem", at("usr/include/wasm32-wasi")],
    ...["-c", resolve(source), "-o", object],
  ]);
  const libc = at("usr/lib/wasm32-wasi");
  const builtins = join(clang, "lib/wasi/libclang_rt.builtins-wasm32.a");
  await run("lld", [
    ...["-flavor", "wasm", join(libc, "crt1.o"), object, `-L${libc}`, "-lc", builtins],
    ...["-o", output],
  ]);
  return output;
}
