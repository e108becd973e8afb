// Uses all the memory that it can get, then tells what its boot module holds.

import { bootModules } from "xenlet";
import { load8 } from "xenlet/raw/memory";

while (memory.grow(16) >= 0) {}
const size: usize = (<usize>memory.size()) << 16;
memory.fill(size / 2, 0xaa, size / 2);

const modules = bootModules();
console.log("modules " + modules.length.toString());
for (let i = 0; i < modules.length; i++) {
  const module = modules[i];
  const at = module.map();
  let sum: u32 = 0x811c9dc5;
  for (let j: usize = 0; j < <usize>module.size; j++) sum = (sum ^ load8(at + j)) * 0x01000193;
  console.log("size " + module.size.toString() + " fnv1a " + sum.toString());
}
