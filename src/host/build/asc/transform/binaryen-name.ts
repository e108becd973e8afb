/** Names for Binaryen's C interface, whose declarations leave its memory out. */
interface Binaryen {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  __i32_store8(pointer: number, value: number): void;
}

/** Calls `use` with a C string of it, in Binaryen's memory. */
export function withName<T>(binaryen: unknown, name: string, use: (pointer: number) => T): T {
  const b = binaryen as Binaryen;
  const bytes = Buffer.from(`${name}\0`);
  const pointer = b._malloc(bytes.length);
  bytes.forEach((byte, at) => {
    b.__i32_store8(pointer + at, byte);
  });
  try {
    return use(pointer);
  } finally {
    b._free(pointer);
  }
}
