// A transaction: the store as it was when the transaction first looked, with its own changes on top, which happen
// all at once if nothing of what it looked at has changed by then (xenstored_transaction.c, 4.17).

import { EAGAIN, ENOMEM, ENOSPC } from "xenlet/raw/errno";
import { Permission, StoreNode } from "./node";
import { QUOTA_NODES, QUOTA_TRANSACTION_NODES } from "./quota";
import { Counts, StoreView, Tree } from "./tree";

/** Which watches a change is for, once it happens. */
const enum Tell {
  NOBODY = 0,
  /** Those on the node itself: it went with one above it. */
  EXACT = 1,
  ALL = 2,
}

/** A node that the transaction has looked at. */
class Access {
  changed: bool = false;
  tell: Tell = Tell.NOBODY;
  /** As the transaction sees it now. */
  now: StoreNode | null;

  constructor(readonly before: StoreNode | null) {
    this.now = before;
  }
}

export class Transaction extends StoreView {
  /** It looked at more than it may: it cannot succeed any more. */
  overfull: bool = false;
  private accessed: Map<string, Access> = new Map();
  private counts: Counts = new Counts();

  constructor(
    private tree: Tree,
    private who: u16,
    readonly id: u32,
  ) {
    super();
  }

  private access(path: string): Access {
    if (this.accessed.has(path)) return this.accessed.get(path);
    const access = new Access(this.tree.find(path));
    if (this.who != 0 && this.accessed.size >= QUOTA_TRANSACTION_NODES) this.overfull = true;
    else this.accessed.set(path, access);
    return access;
  }

  find(path: string): StoreNode | null {
    return this.access(path).now;
  }

  private change(path: string, node: StoreNode | null): void {
    const access = this.access(path);
    this.counts.replace(access.now, node);
    access.now = node;
    access.changed = true;
  }

  put(node: StoreNode): void {
    this.change(node.path, node);
  }

  drop(path: string): void {
    this.change(path, null);
  }

  changed(path: string, now: Array<Permission> | null, before: Array<Permission> | null, exact: bool): void {
    const access = this.access(path);
    access.tell = <Tell>max<i32>(access.tell, exact ? Tell.EXACT : Tell.ALL);
  }

  nodesOf(domid: u16): i32 {
    return this.tree.nodesOf(domid) + this.counts.of(domid);
  }

  /** 0, and all has happened; -EAGAIN: what it saw is not so any more; -ENOSPC, -ENOMEM: too much. */
  commit(): i64 {
    if (this.overfull) return -ENOMEM;
    const paths = this.accessed.keys();
    const accesses = this.accessed.values();
    /* A node stays the same object until it is changed. */
    for (let i = 0; i < paths.length; i++) {
      if (this.tree.find(paths[i]) !== accesses[i].before) return -EAGAIN;
    }
    if (!this.fits()) return -ENOSPC;
    for (let i = 0; i < paths.length; i++) {
      const node = accesses[i].now;
      if (!accesses[i].changed) continue;
      if (node) this.tree.put(node);
      else if (accesses[i].before) this.tree.drop(paths[i]);
    }
    for (let i = 0; i < paths.length; i++) this.tell(paths[i], accesses[i]);
    return 0;
  }

  /** Others may have made nodes meanwhile. */
  private fits(): bool {
    const domains = this.counts.domains();
    for (let i = 0; i < domains.length; i++) {
      const more = this.counts.of(domains[i]);
      const limited = this.who != 0 && domains[i] != 0 && more > 0;
      if (limited && this.tree.nodesOf(domains[i]) + more > QUOTA_NODES) return false;
    }
    return true;
  }

  private tell(path: string, access: Access): void {
    if (access.tell == Tell.NOBODY) return;
    const before = access.before;
    const now = access.now;
    this.tree.changed(
      path,
      now ? now.permissions : null,
      before ? before.permissions : null,
      access.tell == Tell.EXACT,
    );
  }
}
