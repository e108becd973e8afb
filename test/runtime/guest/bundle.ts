// What a toolstack of a user's own was handed as its one module, for the test beside this file: a line for each file
// of it, or the error.

import { guestFiles } from "xenlet/toolstack";
import { physical_read } from "xenlet/internal/intrinsics";

export function list(): void {
  const files = guestFiles();
  for (let i = 0; i < files.length; i++) {
    const bytes = new Uint8Array(<i32>files[i].size);
    physical_read(bytes.dataStart, files[i].paddr, bytes.length);
    let sum: u32 = 0;
    for (let at = 0; at < bytes.length; at++) sum = sum * 31 + bytes[at];
    console.log(`${bytes.length} bytes ${sum}`);
  }
}
