// Paths of the store: which are valid, and how they lie to one another (docs/misc/xenstore.txt of Xen's, and
// is_valid_nodename() of xenstored_core.c, 4.17).

import { XENSTORE_REL_PATH_MAX } from "xenlet/raw/abi/xs_wire";

const SLASH = 0x2f;

export const INTRODUCE_DOMAIN = "@introduceDomain";
export const RELEASE_DOMAIN = "@releaseDomain";

function isAllowed(unit: i32): bool {
  return (
    (unit >= 0x61 && unit <= 0x7a) || // a-z
    (unit >= 0x41 && unit <= 0x5a) || // A-Z
    (unit >= 0x2d && unit <= 0x39 && unit != 0x2e) || // - / 0-9
    unit == 0x5f || // _
    unit == 0x40 // @
  );
}

/** The length of `/local/domain/<domid>/` that the path begins with, which does not count for its limit; else 0. */
function homeLength(path: string): i32 {
  const prefix = "/local/domain/";
  if (!path.startsWith(prefix)) return 0;
  let end = prefix.length;
  while (end < path.length && path.charCodeAt(end) >= 0x30 && path.charCodeAt(end) <= 0x39) end++;
  return end > prefix.length && end < path.length && path.charCodeAt(end) == SLASH ? end + 1 : 0;
}

/** Whether a node may have this absolute path. */
export function isValidPath(path: string): bool {
  if (path == "/") return true;
  if (path.length == 0 || path.charCodeAt(0) != SLASH || path.charCodeAt(path.length - 1) == SLASH)
    return false;
  if (path.length > homeLength(path) + XENSTORE_REL_PATH_MAX) return false;
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    if (!isAllowed(unit)) return false;
    if (unit == SLASH && path.charCodeAt(i + 1) == SLASH) return false;
  }
  return true;
}

/** What a watch may name besides: @introduceDomain and the like. */
export function isSpecialPath(path: string): bool {
  return path.length > 0 && path.charCodeAt(0) == 0x40;
}

/** Where a domain's own paths are. */
export function homeOf(domid: u16): string {
  return "/local/domain/" + domid.toString();
}

/** The absolute path of what `domid` calls `path`. */
export function absolutePath(domid: u16, path: string): string {
  if (path.length > 0 && (path.charCodeAt(0) == SLASH || isSpecialPath(path))) return path;
  return homeOf(domid) + "/" + path;
}

/** `/` for what is right below it. Not for `/` itself. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash == 0 ? "/" : path.substring(0, slash);
}

/** The last part. */
export function nameOf(path: string): string {
  return path.substring(path.lastIndexOf("/") + 1);
}

export function childOf(path: string, name: string): string {
  return path == "/" ? "/" + name : path + "/" + name;
}

/** Whether `path` is `ancestor` or below it. */
export function isWithin(path: string, ancestor: string): bool {
  if (ancestor == "/" && !isSpecialPath(path)) return true;
  if (!path.startsWith(ancestor)) return false;
  return path.length == ancestor.length || path.charCodeAt(ancestor.length) == SLASH;
}
