// What a program has of AssemblyScript's library and its collector, against C that does the same with arrays and malloc
// (library.c): each runs twice, and says the second run's instructions, and its result, which has to be the twin's.

import { measure } from "xenlet";
import { rdtsc } from "xenlet/raw/cpu";

@external("native", "twin") declare function twin(task: u32): u32;
@external("native", "twin_ticks") declare function twinTicks(): u64;

let state: u32 = 1;
function random(): u32 {
  state = state * 1664525 + 1013904223;
  return state >> 8;
}

const SIDE = 40;
function matmul(): u32 {
  const a = new Float64Array(SIDE * SIDE);
  const b = new Float64Array(SIDE * SIDE);
  const c = new Float64Array(SIDE * SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    a[i] = <f64>(i % 7) + 0.5;
    b[i] = <f64>(i % 5) - 1.25;
  }
  for (let i = 0; i < SIDE; i++)
    for (let j = 0; j < SIDE; j++) {
      let sum: f64 = 0;
      for (let k = 0; k < SIDE; k++) sum += a[i * SIDE + k] * b[k * SIDE + j];
      c[i * SIDE + j] = sum;
    }
  let total: f64 = 0;
  for (let i = 0; i < SIDE * SIDE; i++) total += c[i];
  return <u32>(<i32>total);
}

function push(): u32 {
  const values: f64[] = [];
  for (let i = 0; i < 10000; i++) values.push(<f64>i);
  let sum: f64 = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return <u32>sum;
}

function sort(): u32 {
  const values: i32[] = [];
  for (let i = 0; i < 4096; i++) values.push(<i32>(random() & 0xffff));
  values.sort((a, b) => a - b);
  let sum: u32 = 0;
  for (let i = 0; i < values.length; i++) sum = sum * 31 + values[i];
  return sum;
}

function text(): u32 {
  const parts: string[] = [];
  for (let i = 0; i < 2000; i++) parts.push((i * 7919).toString());
  const all = parts.join(",");
  let sum: u32 = 0;
  for (let i = 0; i < all.length; i++) sum = sum * 31 + all.charCodeAt(i);
  return sum;
}

function map(): u32 {
  const counts = new Map<i32, i32>();
  for (let i = 0; i < 4096; i++) {
    const key = <i32>(random() & 2047);
    counts.set(key, counts.has(key) ? counts.get(key) + 1 : 1);
  }
  let sum: u32 = counts.size;
  for (let key = 0; key < 2048; key++) sum = sum * 31 + (counts.has(key) ? counts.get(key) : 0);
  return sum;
}

class Tree {
  left: Tree | null = null;
  right: Tree | null = null;
  value: i32 = 0;
}
function grown(depth: i32): Tree {
  const tree = new Tree();
  tree.value = depth;
  if (depth > 0) {
    tree.left = grown(depth - 1);
    tree.right = grown(depth - 1);
  }
  return tree;
}
function sumOf(tree: Tree | null): u32 {
  return tree === null ? 0 : tree.value + sumOf(tree.left) * 3 + sumOf(tree.right);
}
function trees(): u32 {
  let sum: u32 = 0;
  for (let i = 0; i < 4; i++) sum = sum * 31 + sumOf(grown(10));
  return sum;
}

function run(index: u32, name: string, task: () => u32): void {
  state = 1;
  task(); // memory that is there once it has been needed is not what is measured
  state = 1;
  const start = rdtsc();
  const result = task();
  measure(name, <f64>(rdtsc() - start), "instructions");
  twin(index);
  assert(twin(index) == result, name + " and its twin agree");
  measure(name + "-c", <f64>twinTicks(), "instructions");
}

run(0, "matmul", matmul);
run(1, "push", push);
run(2, "sort", sort);
run(3, "join", text);
run(4, "map", map);
run(5, "trees", trees);
