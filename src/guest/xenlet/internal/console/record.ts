// Records: what the guest reports to the host. The format is boot/record.c's.

import { record as write } from "../intrinsics";

/** Writes a record. `kind` is at most 15 ASCII letters; `text` may be any string of any length. */
export function record(kind: string, text: string): void {
  write(changetype<usize>(kind), kind.length, changetype<usize>(text), text.length);
}

/** One line of a guest's story, printed as it is by `xenlet demo`. */
export function step(text: string): void {
  record("step", text);
}

/** A figure that the guest measured. */
export function measure(name: string, value: f64, unit: string): void {
  record("measure", "name=" + name + " value=" + value.toString() + " unit=" + unit);
}
