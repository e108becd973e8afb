// Ends in the way that its command line names, some calls deep. The lines that are to be told carry their names.

import { commandLineValue } from "xenlet";

/** To gcc, which knows what the first line comes to, small enough to become a part of its callers. */
function share(a: u32, b: u32): u32 {
  const mixed = ((a & b) + (a | b)) ^ ((a | b) - (a & b)) ^ ((b & a) + (b | a));
  return mixed / b; // line: inlined
}

/** Three checks of one kind, which are one piece of code if a compiler merges them. */
function indexed(list: i32[], at: i32[]): i32 {
  const first = list[at[0]]; // line: index 0
  const second = list[at[1]]; // line: index 1
  return first - second + list[at[2]]; // line: index 2
}

/** Checks of one kind in both arms, which differ: of an `if` with equal arms Binaryen leaves one. */
function chosen(list: i32[], left: bool): i32 {
  if (left) {
    return list[list.length]; // line: left
  } else {
    return list[list.length + 1]; // line: right
  }
}

function counted(list: i32[]): i32 {
  let sum = 0;
  for (let i = 0; i <= list.length; i++) {
    sum += list[i]; // line: loop
  }
  return sum;
}

class Pair {
  constructor(
    public first: i32[],
    public second: i32[],
  ) {}

  head(list: i32[]): i32 {
    return list[0]; // line: head
  }

  sum(): i32 {
    const first = this.head(this.first); // line: first head
    return first - this.head(this.second); // line: second head
  }
}

class Ledger {
  entries: StaticArray<i32> = new StaticArray<i32>(4);
  next: Ledger | null = null;

  post(way: string, depth: i32): i32 {
    if (depth > 0) return this.post(way, depth - 1) + 1; // line: recursion
    const list = [1, 2, 3];
    if (way == "trap") return load<i32>(0xf0000000); // line: trap
    if (way == "inlined") return share(depth + 7, depth); // line: inlined into
    if (way == "divide") {
      const none = this.entries.length - 4;
      return 100 / none; // line: divide
    }
    if (way == "abort") throw new Error("no such way"); // line: abort
    if (way == "index 0") return indexed(list, [3, 0, 0]); // line: calls index 0
    if (way == "index 1") return indexed(list, [0, 3, 0]); // line: calls index 1
    if (way == "index 2") return indexed(list, [0, 0, 3]); // line: calls index 2
    if (way == "left") return chosen(list, true); // line: calls left
    if (way == "right") return chosen(list, false); // line: calls right
    if (way == "loop") return counted(list); // line: calls loop
    if (way == "first head") return new Pair([], [1]).sum(); // line: calls first head
    if (way == "second head") return new Pair([1], []).sum(); // line: calls second head
    if (way == "no key") return new Map<string, i32>().get(way); // line: no key
    assert(this.entries.length == 5, "the entries are five"); // line: assert
    return 0;
  }
}

/** gcc makes it a part of its only caller. */
function book(way: string): i32 {
  const ledger = new Ledger();
  return ledger.post(way, 2); // line: book
}

const way = commandLineValue("way").replaceAll("_", " ");
if (way == "hang") {
  console.log("hangs");
  let _turns: u64 = 0;
  while (true) _turns++; // line: hang
}
if (way == "top level") console.log([1][way.length].toString()); // line: top level
if (way && share(way.length, 3) > 0) console.log(book(way).toString()); // line: main
