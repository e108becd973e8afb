// What AssemblyScript's own globals call in place of imports: asc's --use (src/host/build/asc/compile.ts).

import { rdtsc } from "../intrinsics";
import { record } from "../console/record";

/** Where Math.random() starts. Not for keys: a guest under an emulator may see the same number again. */
export function seed(): f64 {
  return reinterpret<f64>(rdtsc() * 0x9e3779b97f4a7c15);
}

/** trace(message, n, a0, ...): a line with up to five numbers. */
export function trace(
  message: string,
  n: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  const numbers: StaticArray<f64> = [a0, a1, a2, a3, a4];
  let text = message;
  for (let i = 0; i < min(n, 5); i++) text += " " + numbers[i].toString();
  record("error", text);
}
