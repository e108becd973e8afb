// The toolstack's store: what xenstored is to domains under xl. It serves the rings of the domains that it was
// introduced to, and the toolstack itself, which is domain 0 and may do everything. It is called, and does not wait.
//
//   store.introduce(domid, page, port)   a new domain, or one after a soft reset
//   store.serve(domid)                   its port had an event
//   store.release(domid)                 the domain is gone
//
// docs/xenstore.md says what of xenstored it leaves out.

import { MAY_READ, parsePermissions } from "./store/node";
import { Connection } from "./store/connection";
import { look, mkdir, remove, removeTree, setPermissions, write } from "./store/operations";
import { INTRODUCE_DOMAIN, RELEASE_DOMAIN } from "./store/path";
import { serveRequest } from "./store/serve";
import { Snapshot } from "./store/snapshot";
import { Tree } from "./store/tree";
import { Watch, Watcher } from "./store/watch";
import { EINVAL } from "xenlet/raw/errno";

/** Requests of one domain that serve() answers before it returns. */
const REQUESTS_PER_TURN = 256;

/** A watch of the toolstack's own. */
export abstract class LocalWatch extends Watch {
  /** Called with the path that has changed. */
  abstract run(path: string): void;
}

class ContextLocalWatch<T> extends LocalWatch {
  constructor(
    path: string,
    private context: T,
    private fn: (context: T, path: string) => void,
  ) {
    super(path, "", "");
  }

  /** Called with the path that has changed. */
  run(path: string): void {
    this.fn(this.context, path);
  }
}

/** The toolstack as a watcher. It is called when the store has finished an operation, not during it. */
class Local extends Watcher {
  private due: Array<LocalWatch> = [];
  private paths: Array<string> = [];
  private running: bool = false;

  event(watch: Watch, path: string): void {
    this.due.push(<LocalWatch>watch);
    this.paths.push(path);
  }

  run(): void {
    if (this.running) return;
    this.running = true;
    while (this.due.length > 0) {
      const watch = this.due.shift();
      const path = this.paths.shift();
      if (this.watches.includes(watch)) watch.run(path);
    }
    this.running = false;
  }
}

/** A xenstore for the domains that this toolstack makes (xs_wire.h), and for the toolstack itself. */
export class Store {
  private tree: Tree = new Tree();
  private local: Local = new Local(0);
  private connections: Map<u16, Connection> = new Map();

  constructor() {
    this.tree.watchers.push(this.local);
    this.mkdir("/tool/xenstored"); // which a xenstored has
  }

  /**
   * From now on the domain is served: by the ring mapped at `page`, whose event channel's local end is `port`. The
   * ring is emptied. A domain that is known begins anew, as after a soft reset: its watches and transactions are
   * forgotten, what it wrote is not.
   */
  introduce(domid: u16, page: usize, port: u32): void {
    const isNew = !this.connections.has(domid);
    if (!isNew) this.disconnect(domid);
    const connection = new Connection(domid, page, port);
    this.connections.set(domid, connection);
    this.tree.watchers.push(connection);
    if (isNew) this.tree.happened(INTRODUCE_DOMAIN);
    this.settle();
  }

  private disconnect(domid: u16): void {
    const connection = this.connections.get(domid);
    this.connections.delete(domid);
    this.tree.watchers.splice(this.tree.watchers.indexOf(connection), 1);
  }

  /**
   * The domain is gone, and its ring is not touched any more: nodes that it owns go with it, and what was allowed
   * to it is not allowed to the next one with its id.
   */
  release(domid: u16): void {
    if (this.connections.has(domid)) this.disconnect(domid);
    this.forget(domid);
    this.tree.happened(RELEASE_DOMAIN);
    this.settle();
  }

  /** Nodes and permissions of the domain's. */
  private forget(domid: u16): void {
    const paths = this.tree.paths();
    for (let i = 0; i < paths.length; i++) {
      /* It may have gone with one above it. */
      const node = this.tree.find(paths[i]);
      if (!node) continue;
      if (node.owner == domid) {
        removeTree(this.tree, paths[i]);
        continue;
      }
      const kept = node.copy();
      kept.permissions = [];
      for (let j = 0; j < node.permissions.length; j++) {
        if (node.permissions[j].domid != domid) kept.permissions.push(node.permissions[j]);
      }
      if (kept.permissions.length != node.permissions.length) this.tree.put(kept);
    }
  }

  /** A domain has shut down or crashed, and is still there: those who watch @releaseDomain look. */
  domainShutDown(): void {
    this.tree.happened(RELEASE_DOMAIN);
    this.settle();
  }

  /**
   * Answers what is in the domain's ring. Call it when the port had an event. Returns whether it stopped before the
   * end, so that one domain cannot keep the others waiting: call it again then, no event will come.
   */
  serve(domid: u16): bool {
    if (!this.connections.has(domid)) return false;
    const connection = this.connections.get(domid);
    let served = 0;
    for (; served < REQUESTS_PER_TURN; served++) {
      const request = connection.next();
      if (!request) break;
      serveRequest(this.tree, connection, request);
    }
    this.settle();
    return served == REQUESTS_PER_TURN;
  }

  /** Sends what is queued, and calls back for what has changed. */
  private settle(): void {
    this.local.run();
    const connections = this.connections.values();
    for (let i = 0; i < connections.length; i++) connections[i].notify();
  }

  // The toolstack's own access. Paths are absolute.

  /** The value as UTF-8; null if the node does not exist. */
  read(path: string): string | null {
    const node = look(this.tree, 0, path, MAY_READ).node;
    return node ? String.UTF8.decodeUnsafe(changetype<usize>(node.value), node.value.length) : null;
  }

  /** 0, or -EINVAL: there can be no such path. */
  write(path: string, value: string): i64 {
    const bytes = new StaticArray<u8>(String.UTF8.byteLength(value));
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, changetype<usize>(bytes));
    return this.settled(write(this.tree, 0, path, bytes));
  }

  /** Makes a node with an empty value, and its parents. 0, or a negative errno. */
  mkdir(path: string): i64 {
    return this.settled(mkdir(this.tree, 0, path));
  }

  /** With all below it. -ENOENT: what it would be in is not there. */
  rm(path: string): i64 {
    return this.settled(remove(this.tree, 0, path));
  }

  /** Names; null if the node does not exist. */
  directory(path: string): Array<string> | null {
    const node = look(this.tree, 0, path, MAY_READ).node;
    return node ? node.children.slice() : null;
  }

  /** `n1`, `r0`, …: owner first. -EINVAL: one of them is not a permission; -ENOENT. */
  setPermissions(path: string, permissions: Array<string>): i64 {
    const parsed = parsePermissions(permissions);
    if (!parsed || parsed.length == 0) return -EINVAL;
    return this.settled(setPermissions(this.tree, 0, path, parsed));
  }

  /** The nodes and all below them, for restore(). They exist. */
  snapshot(paths: Array<string>): Snapshot {
    return new Snapshot(this.tree, paths);
  }

  /** Puts back what has changed since. */
  restore(snapshot: Snapshot): void {
    snapshot.restore(this.tree);
    this.settle();
  }

  private settled(result: i64): i64 {
    this.settle();
    return result;
  }

  /**
   * Calls `fn` with `context` and the path, once now and for every change of the path and below it; also
   * @introduceDomain and @releaseDomain. Returned for unwatch().
   */
  watch<T>(path: string, context: T, fn: (context: T, path: string) => void): LocalWatch {
    const watch = new ContextLocalWatch<T>(path, context, fn);
    this.local.watches.push(watch);
    this.local.event(watch, path);
    this.settle();
    return watch;
  }

  /** Ends a watch; it is not called again. */
  unwatch(watch: LocalWatch): void {
    const at = this.local.watches.indexOf(watch);
    if (at >= 0) this.local.watches.splice(at, 1);
  }
}

/** The store of this toolstack. */
export const store: Store = new Store();
