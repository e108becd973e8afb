// Eight kernels as one writes them in AssemblyScript, against their twins in C (kernels.c): each runs a few times,
// and says its instructions and its result, which has to be the twin's.

import { measure, sched } from "xenlet";
import { rdtsc } from "xenlet/raw/cpu";

@external("native", "twin") declare function twin(kernel: u32, checked: u32): u32;
@external("native", "twin_ticks") declare function twinTicks(): u64;

const WORDS = 16384;
const NODES = 4096;
const TASKS = 64;

/** The same numbers in both languages. */
class Random {
  state: u32 = 1;

  next(): u32 {
    this.state = this.state * 1664525 + 1013904223;
    return this.state >> 8;
  }
}

class Node {
  next: Node | null = null;
  value: u32 = 0;
}

class Task {
  runnable: bool = false;
  credit: i32 = 0;
  weight: i32 = 0;
  runs: u32 = 0;
  wakeAt: u32 = 0;

  /** Uses up its credit; sleeps when there is none left. */
  run(now: u32): void {
    this.runs++;
    this.credit -= 10;
    if (this.credit < 0) {
      this.runnable = false;
      this.wakeAt = now + 3 + (this.runs & 7);
    }
  }

  /** Its sleep may be over. */
  tick(now: u32): void {
    if (!this.runnable && now >= this.wakeAt) {
      this.runnable = true;
      this.credit += this.weight;
    }
  }
}

// prettier-ignore
const K: StaticArray<u32> = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

const bytes = new StaticArray<u8>(65536);
const flags = new StaticArray<u8>(100000);
const numbers = new StaticArray<i32>(WORDS);
const words = new StaticArray<u64>(WORDS);
const copy = new StaticArray<u64>(WORDS);
const table = new StaticArray<u32>(256);
const nodes = new StaticArray<Node>(NODES);
const tasks = new StaticArray<Task>(TASKS);

function setUp(): void {
  const random = new Random();
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>random.next();
  for (let i = 0; i < 256; i++) {
    let entry = <u32>i;
    for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? (entry >> 1) ^ 0xedb88320 : entry >> 1;
    table[i] = entry;
  }
  for (let i = 0; i < NODES; i++) nodes[i] = new Node();
  // One ring through all of them, in an order that no prefetcher knows.
  for (let i = 0; i < NODES; i++) {
    nodes[(i * 1237) & (NODES - 1)].next = nodes[((i + 1) * 1237) & (NODES - 1)];
    nodes[i].value = random.next();
  }
  for (let i = 0; i < TASKS; i++) {
    const task = new Task();
    task.weight = 20 + <i32>(random.next() & 63);
    tasks[i] = task;
  }
}

function sha256Block(state: StaticArray<u32>, w: StaticArray<u32>, data: StaticArray<u8>, at: i32): void {
  for (let i = 0; i < 16; i++) {
    const j = at + i * 4;
    w[i] = ((<u32>data[j]) << 24) | ((<u32>data[j + 1]) << 16) | ((<u32>data[j + 2]) << 8) | data[j + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
    const s1 = rotr<u32>(y, 17) ^ rotr<u32>(y, 19) ^ (y >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  const k = K;
  for (let i = 0; i < 64; i++) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const t1 = h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i];
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function sha256(): u32 {
  // prettier-ignore
  const state: StaticArray<u32> = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ];
  const w = new StaticArray<u32>(64);
  const data = bytes;
  for (let at = 0; at < data.length; at += 64) sha256Block(state, w, data, at);
  return state[0] ^ state[7];
}

function crc32(): u32 {
  const data = bytes;
  const entries = table;
  let crc: u32 = 0xffffffff;
  for (let round = 0; round < 8; round++)
    for (let i = 0; i < data.length; i++) crc = (crc >> 8) ^ entries[<u8>(crc ^ data[i])];
  return ~crc;
}

function sieve(): u32 {
  const composite = flags;
  const size = composite.length;
  let primes: u32 = 0;
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < size; i++) composite[i] = 0;
    for (let i = 2; i < size; i++) {
      if (composite[i]) continue;
      primes++;
      for (let multiple = i * 2; multiple < size; multiple += i) composite[multiple] = 1;
    }
  }
  return primes;
}

function sort(a: StaticArray<i32>, low: i32, high: i32): void {
  while (low < high) {
    const pivot = a[(low + high) >> 1];
    let i = low;
    let j = high;
    while (i <= j) {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i <= j) {
        const t = a[i];
        a[i++] = a[j];
        a[j--] = t;
      }
    }
    sort(a, low, j);
    low = i;
  }
}

function quicksort(): u32 {
  const random = new Random();
  const a = numbers;
  for (let i = 0; i < WORDS; i++) a[i] = <i32>random.next();
  sort(a, 0, WORDS - 1);
  return a[0] ^ a[WORDS / 3] ^ a[WORDS - 1];
}

function pointerChase(): u32 {
  let sum: u32 = 0;
  let node = nodes[0];
  for (let i = 0; i < NODES * 200; i++) {
    sum = sum * 3 + node.value;
    node = node.next!;
  }
  return sum;
}

function memoryMix(): u32 {
  const from = words;
  const to = copy;
  for (let i = 0; i < WORDS; i++) from[i] = <u64>i * 0x9e3779b97f4a7c15;
  let sum: u64 = 0;
  for (let round = 0; round < 8; round++) {
    memory.copy(changetype<usize>(to), changetype<usize>(from), WORDS * 8);
    for (let i = 0; i < WORDS; i++) from[i] = to[i] + (to[WORDS - 1 - i] >> 7);
    for (let i = 0; i < WORDS; i++) sum += from[i];
    memory.fill(changetype<usize>(to), <u8>round, WORDS * 4);
    for (let i = 0; i < WORDS; i += 3) sum ^= to[i];
  }
  return <u32>(sum ^ (sum >> 32));
}

function scheduler(): u32 {
  const all = tasks;
  let idle: u32 = 0;
  for (let i = 0; i < TASKS; i++) {
    const task = all[i];
    task.runnable = true;
    task.credit = 0;
    task.runs = 0;
    task.wakeAt = 0;
  }
  for (let now: u32 = 0; now < 10000; now++) {
    let best: Task | null = null;
    for (let i = 0; i < TASKS; i++) {
      const task = all[i];
      task.tick(now);
      if (task.runnable && (best === null || task.credit > best.credit)) best = task;
    }
    if (best !== null) best.run(now);
    else idle++;
  }
  let sum = idle;
  for (let i = 0; i < TASKS; i++) sum = sum * 31 + all[i].runs;
  return sum;
}

function hypercalls(): u32 {
  let failures: u32 = 0;
  for (let i = 0; i < 2000; i++) if (sched.yield() != 0) failures++;
  return failures;
}

function run(index: u32, name: string, kernel: () => u32): void {
  kernel(); // what is done once is not what is measured
  const start = rdtsc();
  const result = kernel();
  measure(name, <f64>(rdtsc() - start), "instructions");
  for (let checked: u32 = 0; checked < 2; checked++) {
    twin(index, checked);
    assert(twin(index, checked) == result, name + " and its twin agree");
    measure(name + (checked ? "-c-checked" : "-c"), <f64>twinTicks(), "instructions");
  }
}

setUp();
run(0, "sha256", sha256);
run(1, "crc32", crc32);
run(2, "sieve", sieve);
run(3, "quicksort", quicksort);
run(4, "pointer-chase", pointerChase);
run(5, "memory-mix", memoryMix);
run(6, "scheduler", scheduler);
run(7, "hypercalls", hypercalls);
