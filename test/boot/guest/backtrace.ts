// Ends in the way that its command line names, some calls deep. The lines that are to be told carry their names.

import { commandLineValue } from "xenlet";

/** To Binaryen too large to become a part of its callers; to gcc, which knows what the first line comes to, it is not. */
function share(a: u32, b: u32): u32 {
  const mixed = ((a & b) + (a | b)) ^ ((a | b) - (a & b)) ^ ((b & a) + (b | a));
  return mixed / b; // line: inlined
}

class Ledger {
  entries: StaticArray<i32> = new StaticArray<i32>(4);
  next: Ledger | null = null;

  post(way: string, depth: i32): i32 {
    if (depth > 0) return this.post(way, depth - 1) + 1; // line: recursion
    if (way == "trap") return load<i32>(0xf0000000); // line: trap
    if (way == "inlined") return share(depth + 7, depth); // line: inlined into
    if (way == "divide") {
      const none = this.entries.length - 4;
      return 100 / none; // line: divide
    }
    if (way == "abort") throw new Error("no such way"); // line: abort
    assert(this.entries.length == 5, "the entries are five"); // line: assert
    return 0;
  }
}

/** Becomes a part of its only caller: Binaryen keeps its lines, and not the caller's. */
function book(way: string): i32 {
  const ledger = new Ledger();
  return ledger.post(way, 2); // line: book
}

const way = commandLineValue("way");
if (way && share(way.length, 3) > 0) console.log(book(way).toString());
