// What can be done to the store, as xenstored does it (xenstored_core.c, 4.17): on the tree or in a transaction,
// by domain `who`, on an absolute path. Each returns 0, or a negative errno, and then nothing has changed.

import { EACCES, EINVAL, ENOENT, ENOSPC, EPERM } from "xenlet/raw/errno";
import { MAY_OWN, MAY_WRITE, Permission, StoreNode } from "./node";
import { childOf, isValidPath, nameOf, parentOf } from "./path";
import { NODE_OVERHEAD, PERMISSION_SIZE, QUOTA_NODES, QUOTA_NODE_SIZE, QUOTA_PERMISSIONS } from "./quota";
import { StoreView } from "./tree";

export class Found {
  constructor(
    /** 0, or a negative errno. */
    readonly error: i64,
    readonly node: StoreNode | null,
  ) {}
}

/**
 * The node, if `who` may do with it all that `access` says. -EINVAL: there can be no such path; -ENOENT; -EACCES:
 * it may not, or it is not there, which who may do nothing there is not told either.
 */
export function look(view: StoreView, who: u16, path: string, access: u32): Found {
  if (!isValidPath(path)) return new Found(-EINVAL, null);
  const node = view.find(path);
  if (node && (node.allows(who) & access) == access) return new Found(0, node);
  let error = node ? -EACCES : -ENOENT;
  if ((nearest(view, parentOf(path)).allows(who) & access) == 0) error = -EACCES;
  return new Found(error, null);
}

/** The node at `path`, or the first one above it that there is. */
function nearest(view: StoreView, path: string): StoreNode {
  let node = view.find(path);
  while (!node) {
    path = parentOf(path);
    node = view.find(path);
  }
  return node!;
}

function tooBig(who: u16, node: StoreNode): bool {
  const size =
    NODE_OVERHEAD + node.permissions.length * PERMISSION_SIZE + node.value.length + node.childrenSize;
  return who != 0 && size >= QUOTA_NODE_SIZE;
}

export function write(view: StoreView, who: u16, path: string, value: StaticArray<u8>): i64 {
  const found = look(view, who, path, MAY_WRITE);
  const before = found.node;
  if (!before) return found.error == -ENOENT ? create(view, who, path, value) : found.error;
  const node = before.copy();
  node.value = value;
  if (tooBig(who, node)) return -ENOSPC;
  view.put(node);
  view.changed(path, node.permissions, null, false);
  return 0;
}

/** What is there stays as it is. */
export function mkdir(view: StoreView, who: u16, path: string): i64 {
  const found = look(view, who, path, MAY_WRITE);
  return found.error == -ENOENT ? create(view, who, path, []) : found.error;
}

/** Makes the node and what is missing above it. Each has its parent's permissions, but belongs to who makes it. */
function create(view: StoreView, who: u16, path: string, value: StaticArray<u8>): i64 {
  const ancestor = nearest(view, parentOf(path));
  const made: Array<StoreNode> = [];
  for (let at = path; at != ancestor.path; at = parentOf(at)) {
    const permissions = ancestor.permissions.slice();
    if (who != 0) permissions[0] = new Permission(who, permissions[0].access);
    const node = new StoreNode(at, permissions);
    if (made.length > 0) node.children.push(nameOf(made[made.length - 1].path));
    else node.value = value;
    if (tooBig(who, node)) return -ENOSPC;
    made.push(node);
  }
  const parent = ancestor.copy();
  parent.children.push(nameOf(made[made.length - 1].path));
  if (tooBig(who, parent)) return -ENOSPC;
  if (who != 0 && view.nodesOf(who) + made.length > QUOTA_NODES) return -ENOSPC;
  view.put(parent);
  for (let i = made.length - 1; i >= 0; i--) view.put(made[i]);
  view.changed(path, made[0].permissions, null, false);
  return 0;
}

/** Removes the node and all below it. 0 also if it is not there, but what it would be in is. */
export function remove(view: StoreView, who: u16, path: string): i64 {
  const found = look(view, who, path, MAY_WRITE);
  if (found.error == -ENOENT) return view.find(parentOf(path)) ? 0 : -ENOENT;
  if (found.error != 0) return found.error;
  if (path == "/") return -EINVAL;
  removeTree(view, path);
  return 0;
}

/** The same, without checking permissions. A list instead of recursion: a domain may nest a thousand deep. */
export function removeTree(view: StoreView, path: string): void {
  const paths: Array<string> = [path];
  for (let i = 0; i < paths.length; i++) {
    const node = view.find(paths[i])!;
    for (let j = 0; j < node.children.length; j++) paths.push(childOf(paths[i], node.children[j]));
  }
  for (let i = paths.length - 1; i >= 0; i--) {
    const node = view.find(paths[i])!;
    view.drop(paths[i]);
    view.changed(paths[i], node.permissions, node.permissions, i > 0);
  }
  const parent = view.find(parentOf(path))!.copy();
  parent.children.splice(parent.children.indexOf(nameOf(path)), 1);
  view.put(parent);
}

/** -EPERM: only dom0 may give a node to another domain. */
export function setPermissions(view: StoreView, who: u16, path: string, permissions: Array<Permission>): i64 {
  if (who != 0 && permissions.length > QUOTA_PERMISSIONS) return -ENOSPC;
  const found = look(view, who, path, MAY_WRITE | MAY_OWN);
  const before = found.node;
  if (!before) return found.error;
  if (who != 0 && permissions[0].domid != before.owner) return -EPERM;
  const node = before.copy();
  node.permissions = permissions;
  if (tooBig(who, node)) return -ENOSPC;
  view.put(node);
  view.changed(path, permissions, before.permissions, false);
  return 0;
}
