// Watches on the store: changes are queued until the program waits for them or the event loop calls back.

/** What a watch needs of the connection that it is set up on. */
export abstract class WatchedConnection {
  /** Receives what has changed, for the watch that it belongs to; sleeps until then. 0, or a negative errno. */
  abstract receiveEvents(deadline: u64): i64;

  abstract unwatch(watch: StoreWatch): i64;
}

/** What the event loop calls. */
export abstract class WatchCallback {
  abstract run(path: string): void;
}

export class ContextWatchCallback<T> extends WatchCallback {
  constructor(
    private context: T,
    private fn: (context: T, path: string) => void,
  ) {
    super();
  }

  run(path: string): void {
    this.fn(this.context, path);
  }
}

/** One watch of this program: xenstore.watch() and xenstore.on(). */
export class StoreWatch {
  /** 0, or the negative errno of setting it up, or of setting it up again; wait() leaves -ETIMEDOUT here. */
  error: i64 = 0;
  private changed: Array<string> = [];

  constructor(
    private connection: WatchedConnection,
    readonly path: string,
    readonly token: string,
    readonly callback: WatchCallback | null,
  ) {}

  /**
   * The next path that has changed, beginning with `path` itself right after the watch was set up; sleeps until then.
   * Null at Xen system time `deadline` (ns), or if there is no connection: `error` says which. Not for a watch with
   * a callback, which gets them all.
   */
  wait(deadline: u64): string | null {
    assert(!this.callback, "the event loop calls back for this watch");
    this.error = 0;
    while (this.changed.length == 0) {
      this.error = this.connection.receiveEvents(deadline);
      if (this.error != 0) return null;
    }
    return this.changed.shift();
  }

  /** Ends the watch. Changes that were not reported yet are dropped. 0, or a negative errno of the store. */
  stop(): i64 {
    this.changed = [];
    return this.connection.unwatch(this);
  }

  /** One queued change is enough: its receiver reads the current value. Returns whether this one was queued. */
  queue(path: string): bool {
    if (this.changed.includes(path)) return false;
    this.changed.push(path);
    return true;
  }

  /** Calls back for the oldest change. */
  run(): void {
    const callback = this.callback;
    if (callback && this.changed.length > 0) callback.run(this.changed.shift());
  }
}
