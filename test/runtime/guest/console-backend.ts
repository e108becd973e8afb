// The daemon's end of a console as exports, for the tests beside this file: lines come out as records.

import { record } from "xenlet";
import { shared_alloc } from "xenlet/internal/intrinsics";
import { ConsoleBackend } from "xenlet/toolstack/console-backend";
import { Typing } from "xenlet/toolstack/console-input";

const PORT = 3;
const page = shared_alloc(1);
const backend = new ConsoleBackend(page, PORT, 7, (domid, from, size, ends) => {
  const text = String.UTF8.decodeUnsafe(from, size);
  record("line", domid.toString() + (ends ? "." : "+") + text);
});
const typing = new Typing(backend);

export function ringPage(): usize {
  return page;
}

export function drain(): u32 {
  return backend.drain();
}

export function finish(): void {
  backend.finish();
}

export function pump(): void {
  typing.pump();
}
