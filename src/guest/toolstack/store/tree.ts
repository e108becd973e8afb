// All nodes, by their path. A node is never changed in place: put() takes a new one, so a holder of an old one
// (a transaction) holds it as it was.

import { Permission, StoreNode } from "./node";
import { parentOf } from "./path";
import { Change, Watcher } from "./watch";

/** The store as a request sees it: the tree itself, or a transaction's picture of it. */
export abstract class StoreView {
  abstract find(path: string): StoreNode | null;
  /** Takes a node in, or in place of the one with its path. */
  abstract put(node: StoreNode): void;
  abstract drop(path: string): void;
  /** Whoever watches shall know: of what a node with permissions `now` (its last, if it is gone) and `before` was. */
  abstract changed(
    path: string,
    now: Array<Permission> | null,
    before: Array<Permission> | null,
    exact: bool,
  ): void;
  /** How many nodes the domain owns. */
  abstract nodesOf(domid: u16): i32;
}

/** How many of something each domain has. */
export class Counts {
  private counts: Map<u16, i32> = new Map();

  of(domid: u16): i32 {
    return this.counts.has(domid) ? this.counts.get(domid) : 0;
  }

  add(domid: u16, count: i32): void {
    this.counts.set(domid, this.of(domid) + count);
  }

  /** For a node that is in the place of another; null: none. */
  replace(before: StoreNode | null, now: StoreNode | null): void {
    if (before) this.add(before.owner, -1);
    if (now) this.add(now.owner, 1);
  }

  domains(): Array<u16> {
    return this.counts.keys();
  }
}

export class Tree extends StoreView {
  watchers: Array<Watcher> = [];
  private nodes: Map<string, StoreNode> = new Map();
  private counts: Counts = new Counts();
  private generation: u64 = 0;

  constructor() {
    super();
    this.put(new StoreNode("/", [new Permission(0, 0)]));
  }

  find(path: string): StoreNode | null {
    return this.nodes.has(path) ? this.nodes.get(path) : null;
  }

  put(node: StoreNode): void {
    this.counts.replace(this.find(node.path), node);
    node.generation = ++this.generation;
    this.nodes.set(node.path, node);
  }

  drop(path: string): void {
    this.counts.replace(this.find(path), null);
    this.nodes.delete(path);
  }

  changed(path: string, now: Array<Permission> | null, before: Array<Permission> | null, exact: bool): void {
    const change = new Change(path, exact);
    change.now = now;
    change.before = before;
    const parent = this.find(parentOf(path));
    /* The removal of a node that was not readable is not reported. */
    if (parent && now) change.parent = parent.permissions;
    for (let i = 0; i < this.watchers.length; i++) this.watchers[i].tell(change);
  }

  /** Tells of @introduceDomain and the like. */
  happened(special: string): void {
    const change = new Change(special, true);
    for (let i = 0; i < this.watchers.length; i++) this.watchers[i].tell(change);
  }

  nodesOf(domid: u16): i32 {
    return this.counts.of(domid);
  }

  /** The paths of all nodes, in no order that means something. */
  paths(): Array<string> {
    return this.nodes.keys();
  }
}
