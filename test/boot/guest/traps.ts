// One way to die for each `trap=` on the command line. Each is reached through the function table, so that
// no compiler inlines it away and the report can name it.

import { commandLineValue } from "xenlet";

@external("native", "write") declare function write(where: u32): void;
@external("native", "call") declare function call(address: usize): void;

/** 0, in a way that no optimiser can know. */
const zero: i32 = commandLineValue("zero").length;
let sink: i32 = 0;

function traps_unreachable(): void {
  unreachable();
}

function traps_divide(): void {
  sink = 7 / zero;
}

function traps_overflow(): void {
  sink = i32.MIN_VALUE / (zero - 1);
}

function traps_null(): void {
  sink = load<i32>(<usize>zero);
}

function traps_nullField(): void {
  sink = load<i32>(<usize>zero, 4092);
}

function traps_beyond(): void {
  sink = load<i32>((<usize>memory.size()) << 16);
}

/** The result is not used; Wasm traps nevertheless. */
function traps_unused(): void {
  load<i32>((<usize>memory.size()) << 16);
}

function traps_far(): void {
  store<u8>(<usize>(zero - 1), 1, 0x7fffffff);
}

function traps_fill(): void {
  memory.fill(((<usize>memory.size()) << 16) - 8, 1, <usize>(zero + 16));
}

function recurse(n: i32): i32 {
  return n < 0 ? n : recurse(n + 1) * 3 + recurse(n + sink);
}

function traps_recursion(): void {
  sink = recurse(zero);
}

function traps_indirect(): void {
  call_indirect<void>(<u32>(zero + 1000));
}

function takesOne(n: i32): void {
  sink = n;
}

function traps_signature(): void {
  const one: (n: i32) => void = takesOne;
  call_indirect<void>(load<u32>(changetype<usize>(one)));
}

function traps_writeText(): void {
  write(0);
}

function traps_writeRodata(): void {
  write(1);
}

function traps_jumpLinear(): void {
  call(memory.data(16));
}

function traps_jumpData(): void {
  call(0);
}

function traps_throw(): void {
  throw new Error(
    "grün: a message that is longer than one line of Xen's debug console can hold, so it must be put " +
      "together from two of them, whatever else is printed meanwhile; 100% of it, and not more than that",
  );
}

const all = new Map<string, () => void>();
all.set("unreachable", traps_unreachable);
all.set("divide", traps_divide);
all.set("overflow", traps_overflow);
all.set("null", traps_null);
all.set("nullField", traps_nullField);
all.set("beyond", traps_beyond);
all.set("unused", traps_unused);
all.set("far", traps_far);
all.set("fill", traps_fill);
all.set("recursion", traps_recursion);
all.set("indirect", traps_indirect);
all.set("signature", traps_signature);
all.set("writeText", traps_writeText);
all.set("writeRodata", traps_writeRodata);
all.set("jumpLinear", traps_jumpLinear);
all.set("jumpData", traps_jumpData);
all.set("throw", traps_throw);

function die(name: string): void {
  if (!all.has(name)) process.exit(2);
  console.log("about to: " + name);
  all.get(name)();
}

const name = commandLineValue("trap");
if (name.length > 0) die(name);
console.log("still alive");
