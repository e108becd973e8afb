// What AssemblyScript's own globals call in place of imports: asc's --use (src/host/build/asc/compile.ts).

import { random_bytes } from "../intrinsics";
import { record } from "../console/record";

@lazy const word: usize = memory.data(8, 8);

/** Where Math.random() starts: another place in each run. For keys there is crypto.getRandomValues(). */
export function seed(): f64 {
  random_bytes(word, 8);
  return load<f64>(word);
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
