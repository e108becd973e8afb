// Errors as the store sends them: by name (struct xsd_errors, xen/include/public/io/xs_wire.h).

import { EIO, ENOSPC, describeResult } from "../../raw/errno";

/** Above every number that has a name. */
const NUMBERS = 128;

/**
 * The negative errno of an error that the store named. oxenstored says EQUOTA, which is not an errno, where the C
 * daemon says ENOSPC: that is -ENOSPC here. An undocumented name is -EIO.
 */
export function storeErrorNumber(name: string): i64 {
  for (let number: i64 = 1; number < NUMBERS; number++) {
    if (storeErrorName(-number) == name) return -number;
  }
  return name == "EQUOTA" ? -ENOSPC : -EIO;
}

/** The name by which the store sends a negative errno. */
export function storeErrorName(error: i64): string {
  return describeResult(error).substring(1);
}
