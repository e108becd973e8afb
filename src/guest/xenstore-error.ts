// Errors as the store sends them: by name (struct xsd_errors, xen/include/public/io/xs_wire.h).

import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBUSY,
  EEXIST,
  EINVAL,
  EIO,
  EISCONN,
  EISDIR,
  ENOENT,
  ENOMEM,
  ENOSPC,
  ENOSYS,
  ENOTEMPTY,
  EPERM,
  EROFS,
  describeResult,
} from "./errno";

/** All that the protocol has a name for. */
@lazy export const XSD_ERRORS: StaticArray<i64> = [
  EINVAL,
  EACCES,
  EEXIST,
  EISDIR,
  ENOENT,
  ENOMEM,
  ENOSPC,
  EIO,
  ENOTEMPTY,
  ENOSYS,
  EROFS,
  EBUSY,
  EAGAIN,
  EISCONN,
  E2BIG,
  EPERM,
];

/**
 * The negative errno of an error that the store named. oxenstored says EQUOTA, which is no errno, where the C
 * daemon says ENOSPC: that is -ENOSPC here. A name that nobody has documented is -EIO.
 */
export function storeErrorNumber(name: string): i64 {
  for (let i = 0; i < XSD_ERRORS.length; i++) {
    if (storeErrorName(-XSD_ERRORS[i]) == name) return -XSD_ERRORS[i];
  }
  return name == "EQUOTA" ? -ENOSPC : -EIO;
}

/** The name by which the store sends a negative errno. */
export function storeErrorName(error: i64): string {
  return describeResult(error).substring(1);
}
