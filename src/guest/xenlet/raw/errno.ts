// The error numbers that Xen's hypercalls and its store return, negated: xen/include/public/errno.h, Xen 4.17.

export const EPERM: i64 = 1;
export const ENOENT: i64 = 2;
export const ESRCH: i64 = 3;
export const EIO: i64 = 5;
export const E2BIG: i64 = 7;
export const EAGAIN: i64 = 11;
export const ENOMEM: i64 = 12;
export const EACCES: i64 = 13;
export const EFAULT: i64 = 14;
export const EBUSY: i64 = 16;
export const EEXIST: i64 = 17;
export const ENODEV: i64 = 19;
export const EISDIR: i64 = 21;
export const EINVAL: i64 = 22;
export const ENOSPC: i64 = 28;
export const EROFS: i64 = 30;
export const ENOSYS: i64 = 38;
export const ENOTEMPTY: i64 = 39;
export const ETIME: i64 = 62;
export const EOPNOTSUPP: i64 = 95;
export const ENOBUFS: i64 = 105;
export const EISCONN: i64 = 106;
export const ENOTCONN: i64 = 107;
export const ETIMEDOUT: i64 = 110;

/** A hypercall's result as people read it: `0`, `7`, `-EINVAL`, or `-4095` for a number without a name here. */
export function describeResult(result: i64): string {
  return result >= 0 ? result.toString() : describeError(result);
}

/** The same, for one below 0: in 32 bits, since the conversion of 64 is large and every guest has this one. */
export function describeError(result: i64): string {
  switch (<i32>-result) {
    case <i32>EPERM:
      return "-EPERM";
    case <i32>ENOENT:
      return "-ENOENT";
    case <i32>ESRCH:
      return "-ESRCH";
    case <i32>EIO:
      return "-EIO";
    case <i32>E2BIG:
      return "-E2BIG";
    case <i32>EAGAIN:
      return "-EAGAIN";
    case <i32>ENOMEM:
      return "-ENOMEM";
    case <i32>EACCES:
      return "-EACCES";
    case <i32>EFAULT:
      return "-EFAULT";
    case <i32>EBUSY:
      return "-EBUSY";
    case <i32>EEXIST:
      return "-EEXIST";
    case <i32>ENODEV:
      return "-ENODEV";
    case <i32>EISDIR:
      return "-EISDIR";
    case <i32>EINVAL:
      return "-EINVAL";
    case <i32>ENOSPC:
      return "-ENOSPC";
    case <i32>EROFS:
      return "-EROFS";
    case <i32>ENOSYS:
      return "-ENOSYS";
    case <i32>ENOTEMPTY:
      return "-ENOTEMPTY";
    case <i32>ETIME:
      return "-ETIME";
    case <i32>EOPNOTSUPP:
      return "-EOPNOTSUPP";
    case <i32>ENOBUFS:
      return "-ENOBUFS";
    case <i32>EISCONN:
      return "-EISCONN";
    case <i32>ENOTCONN:
      return "-ENOTCONN";
    case <i32>ETIMEDOUT:
      return "-ETIMEDOUT";
    default:
      return (<i32>result).toString();
  }
}
