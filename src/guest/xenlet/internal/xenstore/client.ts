// The store for a guest: xenlet/xenstore re-exports it, and says what paths and errors are.

import { XS_GET_DOMAIN_PATH, XS_TRANSACTION_END, XS_TRANSACTION_START } from "../../raw/abi/xs_wire";
import { EAGAIN } from "../../raw/errno";
import { systemTime } from "../time/time";
import { StoreAccess, StoreList, StoreValue } from "./access";
import { StoreConnection } from "./connection";
import { payload } from "./request";
import { ContextWatchCallback, StoreWatch, WatchCallback } from "./watch";

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

  /** As in Access; a transaction that could not begin answers each request with the error of its beginning. */
  protected request(type: u32): i64 {
    return this.error != 0 ? this.error : super.request(type);
  }

  /** Commits the changes. -EAGAIN: another client changed a node that was read or written; nothing has happened: begin again. */
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

@lazy let made: Client | null = null;

/* Made here, not by an initializer: asc forgets that of a lazy global that only overriding methods use. */
function client(): Client {
  let existing = made;
  if (!existing) made = existing = new Client(new StoreConnection());
  return existing;
}

class Client extends StoreAccess {
  getDomainPath(domid: u16): StoreValue {
    const value = new StoreValue();
    value.error = this.ask(XS_GET_DOMAIN_PATH, domid.toString());
    /* Without its NUL. */
    if (value.error == 0) value.bytes = this.connection.reply.slice<StaticArray<u8>>(0, -1);
    return value;
  }

  begin(): Transaction {
    return new Transaction(this.connection);
  }

  setUp(path: string, token: string, callback: WatchCallback | null): StoreWatch {
    const name = token.length == 0 ? this.connection.newToken() : token;
    const watch = new StoreWatch(this.connection, path, name, callback);
    this.connection.watch(watch);
    return watch;
  }
}

/** The namespace that guests call it by; a class, for its two properties. */
export abstract class xenstore {
  /**
   * Connects: again if there is a connection, and then everything that it had is dropped except this program's
   * watches, which are set up again. Need not be called first: the first use does.
   */
  static open(): i64 {
    return client().connection.open();
  }

  /** Why the connection is broken; empty if it is not. */
  static get failure(): string {
    return client().connection.failure;
  }

  /** How long an answer may take, in ns: 10 s at first. */
  static get timeout(): u64 {
    return client().connection.timeout;
  }

  static set timeout(ns: u64) {
    client().connection.timeout = ns;
  }

  /** A node's value; its `error` is a negative errno if there is none. */
  static read(path: string): StoreValue {
    return client().read(path);
  }

  /** Writes a value as UTF-8. What is missing of the path is made, and belongs to this domain. */
  static write(path: string, value: string): i64 {
    return client().write(path, value);
  }

  /** The same for a value of any bytes. */
  static writeBytes(path: string, value: StaticArray<u8>): i64 {
    return client().writeBytes(path, value);
  }

  /** Makes the path if it is not there; a value that is there stays. */
  static mkdir(path: string): i64 {
    return client().mkdir(path);
  }

  /** Removes the path and all below it. 0 also if it is not there; -ENOENT if what it would be in is not there. */
  static rm(path: string): i64 {
    return client().rm(path);
  }

  /** The names of what is right below the path. -EAGAIN: the list never stood still. */
  static directory(path: string): StoreList {
    return client().directory(path);
  }

  /** Who may do what, as `xenstore-ls -p` shows it: first the owner and what all others may, then single domains. */
  static getPermissions(path: string): StoreList {
    return client().getPermissions(path);
  }

  /**
   * For the owner of the path. Each entry is `n`, `r`, `w` or `b` (none, read, write, both) and a domain id. The first
   * names the owner, who may do everything, and gives what a domain without an entry may: ["n1", "r0"].
   */
  static setPermissions(path: string, permissions: Array<string>): i64 {
    return client().setPermissions(path, permissions);
  }

  /** Where domain `domid` has its paths: /local/domain/<domid>. */
  static getDomainPath(domid: u16): StoreValue {
    return client().getDomainPath(domid);
  }

  /** Begins a transaction: its `error` says how that went. */
  static begin(): Transaction {
    return client().begin();
  }

  /**
   * Runs `body` in a transaction until it could be committed, again each time that another client interfered, for as
   * long as `timeout`. Returns what the last `body` returned; if that is negative, nothing has happened. -EAGAIN:
   * another client interfered every time.
   */
  static transact<T>(context: T, body: (transaction: Transaction, context: T) => i64): i64 {
    const deadline = systemTime() + xenstore.timeout;
    do {
      const transaction = client().begin();
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
  static watch(path: string, token: string = ""): StoreWatch {
    return client().setUp(path, token, null);
  }

  /**
   * The same, but the event loop calls `fn` with `context` and the path that has changed. It keeps running as long as
   * such a watch exists.
   */
  static on<T>(
    path: string,
    context: T,
    fn: (context: T, path: string) => void,
    token: string = "",
  ): StoreWatch {
    return client().setUp(path, token, new ContextWatchCallback<T>(context, fn));
  }

  /** Has the store forget all watches and transactions of this domain, those of an earlier kernel too. */
  static resetWatches(): i64 {
    return client().connection.forgetWatches();
  }
}
