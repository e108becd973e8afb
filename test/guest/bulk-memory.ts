// memory.copy and memory.fill, byte for byte against a loop: of every length about a word's, over every small distance,
// at every alignment. Why: they are done by words, and in place, so that an overlap, a rest or a value that is not 0 can
// go wrong. Fails if a byte is not what the loop makes it, or one outside is touched.

import { expect, test } from "xenlet/test";

const AREA: usize = 128;
const LENGTHS: usize = 41;
const done: usize = memory.data(AREA);
const wanted: usize = memory.data(AREA);

function prepare(): void {
  for (let i: usize = 0; i < AREA; i++) {
    store<u8>(done + i, <u8>(i * 7 + 1));
    store<u8>(wanted + i, <u8>(i * 7 + 1));
  }
}

function wrongBytes(): i32 {
  let wrong = 0;
  for (let i: usize = 0; i < AREA; i++) if (load<u8>(done + i) != load<u8>(wanted + i)) wrong++;
  return wrong;
}

/** As the specification has it: as if through a buffer. */
function copySlowly(to: usize, from: usize, size: usize): void {
  if (to <= from)
    for (let i: usize = 0; i < size; i++) store<u8>(wanted + to + i, load<u8>(wanted + from + i));
  else for (let i = size; i-- > 0;) store<u8>(wanted + to + i, load<u8>(wanted + from + i));
}

test("memory.copy over a distance of -20 to 20", () => {
  let wrong = 0;
  for (let size: usize = 0; size < LENGTHS; size++)
    for (let from: usize = 24; from < 32; from++)
      for (let to: usize = from - 20; to <= from + 20; to++) {
        prepare();
        copySlowly(to, from, size);
        memory.copy(done + to, done + from, size);
        wrong += wrongBytes();
      }
  expect(wrong).toBe(0);
});

test("memory.fill with a byte of which only 8 bits count", () => {
  let wrong = 0;
  for (let size: usize = 0; size < LENGTHS; size++)
    for (let at: usize = 24; at < 32; at++) {
      prepare();
      for (let i: usize = 0; i < size; i++) store<u8>(wanted + at + i, 0xa5);
      memory.fill(done + at, <u8>0xa5, size);
      wrong += wrongBytes();
    }
  expect(wrong).toBe(0);
});
