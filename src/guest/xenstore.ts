// The store, as a guest sees it: `import { xenstore } from "xenlet/xenstore"`. docs/misc/xenstore.txt of Xen's has
// what the requests mean, xenstore-paths.pandoc what is there; docs/xenstore.md tells how to use this.
//
// Paths: those that do not begin with "/" are below the domain's own, /local/domain/<domid>. Errors: 0, or a
// negative errno. Those of the store: -ENOENT; -EACCES: not ours to read or write, or to know of; -EINVAL: no such
// path can be; -ENOSPC, -E2BIG: more than the store allows a domain. Those of the connection, for every call:
// -ENODEV: this domain has no store; -ETIMEDOUT: no answer in `timeout`, and the request may have been done all the
// same; -ENOTCONN: the connection is broken (`trouble` says how) until open().
//
// On vCPU 0 only.

import { XS_GET_DOMAIN_PATH, XS_TRANSACTION_END, XS_TRANSACTION_START } from "./abi/xs_wire";
import { EAGAIN } from "./errno";
import { systemTime } from "./time";
import { StoreAccess, StoreValue } from "./xenstore-access";
import { StoreConnection } from "./xenstore-connection";
import { payload } from "./xenstore-request";
import { ContextWatchCallback, StoreWatch } from "./xenstore-watch";

export { StoreList, StoreValue } from "./xenstore-access";
export { StoreWatch } from "./xenstore-watch";

/**
 * Reads and writes that happen all at once or not at all, from xenstore.begin(). While it is open it sees the
 * store as it was, and its own changes. One left open is counted against the domain until resetWatches() or open().
 */
export class Transaction extends StoreAccess {
  /** 0, or why there is no transaction: everything in it returns this then. -ENOSPC: too many are open. */
  readonly error: i64;

  constructor(connection: StoreConnection) {
    super(connection);
    payload.begin();
    payload.text("");
    this.error = connection.request(XS_TRANSACTION_START);
    if (this.error == 0) {
      this.id = U32.parseInt(connection.replyText);
      this.epoch = connection.epoch;
    }
  }

  protected request(type: u32): i64 {
    return this.error != 0 ? this.error : super.request(type);
  }

  /** Lets the changes happen. -EAGAIN: somebody changed what it read or wrote, and nothing has happened: begin again. */
  commit(): i64 {
    return this.end("T");
  }

  /** Forgets the changes. */
  abort(): i64 {
    return this.end("F");
  }

  private end(how: string): i64 {
    return this.ask(XS_TRANSACTION_END, how);
  }
}

export class Xenstore extends StoreAccess {
  /**
   * Connects: anew if there is a connection, and then everything that it had is forgotten but this program's
   * watches, which are set up again. Need not be called first: the first use does.
   */
  open(): i64 {
    return this.connection.open();
  }

  /** Why the connection is broken; empty if it is not. */
  get trouble(): string {
    return this.connection.trouble;
  }

  /** How long an answer may take, in ns: 10 s at first. */
  get timeout(): u64 {
    return this.connection.timeout;
  }

  set timeout(ns: u64) {
    this.connection.timeout = ns;
  }

  /** Where domain `domid` has its paths: /local/domain/<domid>. */
  getDomainPath(domid: u16): StoreValue {
    const value = new StoreValue();
    value.error = this.ask(XS_GET_DOMAIN_PATH, domid.toString());
    /* Without its NUL. */
    if (value.error == 0) value.bytes = this.connection.reply.slice<StaticArray<u8>>(0, -1);
    return value;
  }

  /** Begins a transaction: its `error` says how that went. */
  begin(): Transaction {
    return new Transaction(this.connection);
  }

  /**
   * Runs `body` in a transaction until it could be committed, again each time that somebody else came between, for as
   * long as `timeout`. Returns what the last `body` returned; if that is negative, nothing has happened. -EAGAIN:
   * somebody always came between.
   */
  transact<T>(context: T, body: (transaction: Transaction, context: T) => i64): i64 {
    const deadline = systemTime() + this.timeout;
    do {
      const transaction = this.begin();
      if (transaction.error != 0) return transaction.error;
      const result = body(transaction, context);
      if (result < 0) transaction.abort();
      const ended = result < 0 ? result : transaction.commit();
      if (ended != -EAGAIN) return ended < 0 ? ended : result;
    } while (systemTime() < deadline);
    return -EAGAIN;
  }

  /**
   * Tells of every change of the path and of what is below it; and once right away. The caller waits for them
   * (StoreWatch.wait). Without a token it gets one of its own. -EEXIST: the token is in use.
   */
  watch(path: string, token: string = ""): StoreWatch {
    return this.setUp(new StoreWatch(this.connection, path, this.tokenOr(token), null));
  }

  /**
   * The same, but the event loop calls `fn` with `context` and the path that has changed. It goes on for as long as
   * there is such a watch.
   */
  on<T>(path: string, context: T, fn: (context: T, path: string) => void, token: string = ""): StoreWatch {
    const callback = new ContextWatchCallback<T>(context, fn);
    return this.setUp(new StoreWatch(this.connection, path, this.tokenOr(token), callback));
  }

  private tokenOr(token: string): string {
    return token.length == 0 ? this.connection.newToken() : token;
  }

  private setUp(watch: StoreWatch): StoreWatch {
    this.connection.watch(watch);
    return watch;
  }

  /** Has the store forget all watches and transactions of this domain, those of an earlier kernel too. */
  resetWatches(): i64 {
    return this.connection.forgetWatches();
  }
}

@lazy export const xenstore: Xenstore = new Xenstore(new StoreConnection());
