// Watches: who is notified when a node changes (xenstored_watch.c, 4.17).

import { MAY_READ, Permission, allowed } from "./node";
import { isSpecialPath, isWithin } from "./path";

export class Watch {
  constructor(
    /** Absolute, or @introduceDomain and the like. */
    readonly path: string,
    readonly token: string,
    /** What its watcher's paths begin with, if it was named without that: events are then named so too. */
    readonly home: string,
  ) {}

  /** What the watcher calls `path`. */
  nameOf(path: string): string {
    if (this.home.length == 0) return path;
    return path == this.home ? "" : path.substring(this.home.length + 1);
  }
}

/** A watcher: a domain's connection, or the toolstack itself. */
export abstract class Watcher {
  watches: Array<Watch> = [];

  constructor(readonly domid: u16) {}

  /** Told of one change that a watch of its is about. */
  abstract event(watch: Watch, path: string): void;

  /**
   * Tells of a change, where the watcher may know of it: who may read the node, as it is, or as it was before, or
   * what it is in. `exact`: the node went with one above it, of which whoever watches further up is told.
   */
  tell(change: Change): void {
    if (!this.mayKnow(change)) return;
    for (let i = 0; i < this.watches.length; i++) {
      const watch = this.watches[i];
      const about = change.exact ? change.path == watch.path : isWithin(change.path, watch.path);
      if (about) this.event(watch, change.path);
    }
  }

  private mayKnow(change: Change): bool {
    if (isSpecialPath(change.path)) return this.domid == 0;
    return this.mayRead(change.before) || this.mayRead(change.now) || this.mayRead(change.parent);
  }

  private mayRead(permissions: Array<Permission> | null): bool {
    return permissions !== null && (allowed(permissions, this.domid) & MAY_READ) != 0;
  }

  find(path: string, token: string): i32 {
    for (let i = 0; i < this.watches.length; i++) {
      if (this.watches[i].path == path && this.watches[i].token == token) return i;
    }
    return -1;
  }
}

/** One change of a node, with the permissions that decide who may know. */
export class Change {
  before: Array<Permission> | null = null;
  now: Array<Permission> | null = null;
  parent: Array<Permission> | null = null;

  constructor(
    readonly path: string,
    readonly exact: bool,
  ) {}
}
