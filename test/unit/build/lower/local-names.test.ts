// C's names of a function's variables, of a build to be debugged.
// Why: a name that C gives another meaning would change what a program does, or not compile. Fails if a keyword, a macro, a
// name in a macro's expansion or the name of another variable is taken as it is.

import { expect, test } from "vitest";

import { localNames, takenBy } from "../../../../src/host/build/lower/emit/local-names.js";

const named = (...names: string[]): string[] =>
  localNames(names.length, 1, new Map(names.map((name, index) => [index, name])));

test("names stay as they are, where C lets them", () => {
  expect(named("this", "total", "at|7", "index", "Name")).toEqual([
    ...["this", "total", "at_7", "index", "Name"],
  ]);
});

test("what is C's, the header's or the emitter's gets an underscore, and equal names differ", () => {
  expect(named("register", "u32", "memcpy", "TRAP", "i0", "linux", "total", "total")).toEqual([
    ...["register_", "u32_", "memcpy_", "TRAP_", "i0_", "linux_", "total", "total_"],
  ]);
});

test("what begins as the emitter's names or the compiler's do gets another beginning", () => {
  expect(named("_next", "wasm_memory", "__x", "_", "_1")).toEqual([
    ...["v_next", "vwasm_memory", "v__x", "l3", "l4"],
  ]);
});

test("a variable without a name in C has its number", () => {
  expect(localNames(3, 1, null)).toEqual(["p0", "l1", "l2"]);
  expect(named("7up", "", "é")).toEqual(["p0", "l1", "l2"]);
});

test("what a header takes: macros with what they expand to, but not parameters", () => {
  const header = `
    /* a comment */
    #define STORE(to, value) do { int held = (value); \\
        other(to, held); } while (0)
    static inline int load(int address) { int local = address; return local; }
    enum kind { FIRST };
    typedef int word;`;
  const taken = takenBy(header);
  for (const name of ["STORE", "held", "other", "load", "FIRST", "word"])
    expect(taken).toContain(name);
  for (const name of ["comment", "to", "value", "address", "local"])
    expect(taken).not.toContain(name);
});
