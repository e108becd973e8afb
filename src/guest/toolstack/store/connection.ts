// The daemon's end of a domain's store ring: whole requests out of it, replies and watch events into it.
//
// The other end is a domain that may write anything at any time. So every counter is read once, what it says is
// checked, and a request is looked at only in our own copy of it. A domain whose ring makes no sense is not served
// any more, until it asks to reconnect; no other domain notices.

import { evtchn } from "xenlet/internal/events/evtchn";
import { fence, load32, store32 } from "xenlet/internal/intrinsics";
import {
  XENSTORE_CONNECTED,
  XENSTORE_ERROR_NONE,
  XENSTORE_ERROR_PROTO,
  XENSTORE_ERROR_RINGIDX,
  XENSTORE_INTERFACE_CONNECTION,
  XENSTORE_INTERFACE_ERROR,
  XENSTORE_INTERFACE_SERVER_FEATURES,
  XENSTORE_RECONNECT,
  XENSTORE_SERVER_FEATURE_ERROR,
  XENSTORE_SERVER_FEATURE_RECONNECTION,
  XS_WATCH_EVENT,
} from "xenlet/raw/abi/xs_wire";
import { ByteRing, MessageBuffer, replyRing, requestRing } from "xenlet/internal/xenstore/page";
import { Content, Outgoing } from "./message";
import { QUOTA_QUEUED, QUOTA_REPLIES } from "./quota";
import { Transaction } from "./transaction";
import { Watch, Watcher } from "./watch";

export class Connection extends Watcher {
  transactions: Array<Transaction> = [];
  private lastTransaction: u32 = 0;
  private requests: ByteRing;
  private replies: ByteRing;
  private incoming: MessageBuffer = new MessageBuffer();
  private queue: Array<Outgoing> = [];
  private queued: u32 = 0;
  private repliesQueued: i32 = 0;
  /** How much of the first in the queue is in the ring. */
  private sent: u32 = 0;
  /** It makes no sense, and nothing is read or written any more. */
  private ignored: bool = false;
  /** Something was moved, and the domain has not been notified. */
  private moved: bool = false;

  /** `page`: where the ring is mapped; `port`: our end of its event channel. */
  constructor(
    domid: u16,
    readonly page: usize,
    public port: u32,
  ) {
    super(domid);
    this.requests = requestRing(page);
    this.replies = replyRing(page);
    this.reset();
  }

  /** As if the domain had just been introduced: rings empty, nothing under way, no watch, no transaction. */
  reset(): void {
    this.forget();
    this.ignored = false;
    this.requests.clear();
    this.replies.clear();
    store32(
      this.page + XENSTORE_INTERFACE_SERVER_FEATURES,
      XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR,
    );
    store32(this.page + XENSTORE_INTERFACE_ERROR, XENSTORE_ERROR_NONE);
    /* Who waits for this finds all of the above. */
    fence();
    this.moved = load32(this.page + XENSTORE_INTERFACE_CONNECTION) != XENSTORE_CONNECTED;
    store32(this.page + XENSTORE_INTERFACE_CONNECTION, XENSTORE_CONNECTED);
  }

  private forget(): void {
    this.watches = [];
    this.transactions = [];
    this.queue = [];
    this.queued = this.sent = 0;
    this.repliesQueued = 0;
    this.incoming.filled = 0;
  }

  private ignore(error: u32): void {
    this.forget();
    this.ignored = true;
    this.moved = true;
    store32(this.page + XENSTORE_INTERFACE_ERROR, error);
  }

  /**
   * The domain's next request, complete, to be answered at once; null if there is none, or as long as it does not
   * take its replies.
   */
  next(): MessageBuffer | null {
    if (load32(this.page + XENSTORE_INTERFACE_CONNECTION) == XENSTORE_RECONNECT) this.reset();
    const incoming = this.incoming;
    if (incoming.complete) incoming.filled = 0;
    this.flush();
    if (this.ignored || this.repliesQueued >= QUOTA_REPLIES) return null;
    this.took(incoming.takeHeader(this.requests));
    if (this.ignored || !incoming.hasHeader) return null;
    if (incoming.tooLong) {
      this.ignore(XENSTORE_ERROR_PROTO);
      return null;
    }
    this.took(incoming.takePayload(this.requests));
    return !this.ignored && incoming.complete ? incoming : null;
  }

  private took(count: i32): void {
    if (count < 0) this.ignore(XENSTORE_ERROR_RINGIDX);
    else if (count > 0) this.moved = true;
  }

  /** Queues a message; an event that is queued already, or for which there is no room, is left out. */
  send(message: Outgoing): void {
    if (this.ignored) return;
    if (message.isEvent && (this.queued >= QUOTA_QUEUED || this.isQueued(message))) return;
    this.queue.push(message);
    this.queued += message.bytes.length;
    if (!message.isEvent) this.repliesQueued++;
  }

  /** The first in the queue may be half in the ring. */
  private isQueued(message: Outgoing): bool {
    for (let i = this.sent > 0 ? 1 : 0; i < this.queue.length; i++) {
      if (this.queue[i].same(message)) return true;
    }
    return false;
  }

  event(watch: Watch, path: string): void {
    const content = new Content().text(watch.nameOf(path)).text(watch.token);
    if (!content.tooLong) this.send(content.message(XS_WATCH_EVENT, 0, 0, true));
  }

  /** Puts into the ring what fits. */
  private flush(): void {
    while (this.queue.length > 0) {
      const first = this.queue[0];
      const count = this.replies.write(
        changetype<usize>(first.bytes) + this.sent,
        first.bytes.length - this.sent,
      );
      this.took(count);
      if (count <= 0) return;
      this.sent += count;
      if (this.sent < <u32>first.bytes.length) return;
      this.queue.shift();
      this.queued -= first.bytes.length;
      this.sent = 0;
      if (!first.isEvent) this.repliesQueued--;
    }
  }

  /** Puts into the ring what fits, and lets the domain know if anything in it has changed. */
  notify(): void {
    if (!this.ignored) this.flush();
    if (this.moved) evtchn.send(this.port);
    this.moved = false;
  }

  /** A number that no transaction of this domain has. */
  newTransactionId(): u32 {
    do this.lastTransaction++;
    while (this.lastTransaction == 0 || this.transaction(this.lastTransaction));
    return this.lastTransaction;
  }

  transaction(id: u32): Transaction | null {
    for (let i = 0; i < this.transactions.length; i++) {
      if (this.transactions[i].id == id) return this.transactions[i];
    }
    return null;
  }

  endTransaction(transaction: Transaction): void {
    this.transactions.splice(this.transactions.indexOf(transaction), 1);
  }
}
