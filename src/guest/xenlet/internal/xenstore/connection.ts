// The connection to the store: found by two HVM parameters, one request at a time, watch events in between.
//
// It can be opened again, after a soft reset or in a kernel that another one started, whatever the ring was left
// with (xenstore-ring.ts); watches of this program are then set again.

import { rdtsc, shared_map } from "../intrinsics";
import { HVM_PARAM_STORE_EVTCHN, HVM_PARAM_STORE_PFN } from "../../raw/abi/hvm";
import {
  XS_ERROR,
  XS_READ,
  XS_RESET_WATCHES,
  XS_UNWATCH,
  XS_WATCH,
  XS_WATCH_EVENT,
} from "../../raw/abi/xs_wire";
import { EAGAIN, EEXIST, EIO, ENODEV, ENOENT, ENOMEM, ENOTCONN, ETIMEDOUT } from "../../raw/errno";
import { evtchn } from "../events/evtchn";
import { hvmParam } from "../../raw/hvm-param";
import { after } from "../loop/timers";
import { Part, PartOrder, addPart } from "../reset/part";
import { record } from "../console/record";
import { systemTime } from "../time/time";
import { storeErrorNumber } from "./error";
import { payload, stringOf, stringsOf } from "./request";
import { StoreRing } from "./ring";
import { StoreWatch, WatchedConnection } from "./watch";

/** What to do about the connection before and after a soft reset. */
class StorePart extends Part {
  constructor(private connection: StoreConnection) {
    super("xenstore", PartOrder.XENSTORE);
  }

  /** The next kernel shall not get our events. If the store does not say yes, that kernel sees to it itself. */
  run(): i64 {
    if (this.jump) this.connection.resetWatches();
    return 0;
  }

  undo(): void {
    if (this.jump) this.connection.watchAgain();
  }

  attached(): void {
    this.connection.lost();
  }
}

export class StoreConnection extends WatchedConnection {
  /** How long a request may take, in ns. */
  timeout: u64 = 10_000_000_000;
  /** Why the connection is broken; empty if it is not. */
  failure: string = "";
  /** Counts the openings: a transaction does not outlive its connection. */
  epoch: u32 = 0;
  /** The payload of the last reply. */
  reply: StaticArray<u8> = [];

  private ring: StoreRing | null = null;
  private pfn: u64 = 0;
  private page: usize = 0;
  /** Whether a reply has come. */
  private answered: bool = false;
  /** Numbers of requests begin anywhere: late replies to an earlier kernel are not to be taken for ours. */
  private lastId: u32 = <u32>rdtsc();
  /** The same for tokens of watches. */
  private tokenPrefix: string = "xenlet-" + rdtsc().toString(16) + "-";
  private tokens: u32 = 0;
  private watches: Array<StoreWatch> = [];
  /** How many of them have a callback. */
  private callbacks: i32 = 0;
  /** Those with a callback, once for each change, in the order in which they came. */
  private due: Array<StoreWatch> = [];
  private dispatching: bool = false;
  private timerIsSet: bool = false;

  constructor() {
    super();
    addPart(new StorePart(this));
  }

  /** Connects, again if there is a connection. 0; -ENODEV: this domain has no store; -ETIMEDOUT, -ENOTCONN. */
  open(): i64 {
    const before = this.ring;
    if (before && this.callbacks > 0) evtchn.off(before.port);
    this.forget();
    const pfn = hvmParam(HVM_PARAM_STORE_PFN);
    const port = <u32>hvmParam(HVM_PARAM_STORE_EVTCHN);
    if (pfn == 0 || pfn == u64.MAX_VALUE || port == 0) return -ENODEV;
    if (pfn != this.pfn) this.page = shared_map(pfn, 1);
    if (this.page == 0) return -ENOMEM;
    this.pfn = pfn;
    const ring = new StoreRing(this.page, port);
    this.ring = ring;
    this.answered = false;
    let result = ring.connect(systemTime() + this.timeout);
    if (result == 0) result = this.begin();
    if (result == 0 && this.callbacks > 0) result = this.listen(ring);
    if (result < 0) {
      this.ring = null;
      this.failure = ring.failure.length != 0 ? ring.failure : "the store does not answer";
      return result;
    }
    this.watchAgain();
    return 0;
  }

  /** The first request; and a daemon that did not drop an earlier kernel's watches is asked to. */
  private begin(): i64 {
    payload.begin();
    payload.text("control/platform-feature-xs_reset_watches");
    let result = this.exchange(XS_READ, 0);
    if (result == 0 && this.replyText == "1") result = this.resetWatches();
    return result == -ETIMEDOUT || result == -ENOTCONN ? result : 0;
  }

  /** The reply's first string. */
  get replyText(): string {
    return stringOf(changetype<usize>(this.reply), this.reply.length);
  }

  get replyTexts(): Array<string> {
    return stringsOf(changetype<usize>(this.reply), this.reply.length);
  }

  private forget(): void {
    this.ring = null;
    this.failure = "";
    this.epoch++;
  }

  /** The event channel is closed; of the connection only our own list of watches remains. The next use connects again. */
  lost(): void {
    this.forget();
    /* Possibly only the event loop uses it, which waits for a port that no longer exists. */
    if (this.callbacks > 0) this.dispatchSoon();
  }

  private ready(): i64 {
    if (this.failure.length != 0) return -ENOTCONN;
    return this.ring ? 0 : this.open();
  }

  /**
   * Sends the payload as a request of XS_* `type` and waits for the reply, which is in `reply` then. 0, or the
   * store's negative errno; -EAGAIN for a transaction of an earlier connection; -ENODEV, -ENOTCONN, -ETIMEDOUT.
   */
  request(type: u32, transactionId: u32 = 0, epoch: u32 = 0): i64 {
    if (payload.error() != 0) return payload.error();
    if (!this.ring) {
      /* Connecting makes requests of its own. */
      const mine = new StaticArray<u8>(payload.size());
      memory.copy(changetype<usize>(mine), payload.address(), mine.length);
      const result = this.ready();
      if (result < 0) return result;
      payload.begin();
      payload.bytes(changetype<usize>(mine), mine.length);
    }
    if (this.failure.length != 0) return -ENOTCONN;
    if (transactionId != 0 && epoch != this.epoch) return -EAGAIN;
    return this.exchange(type, transactionId);
  }

  private exchange(type: u32, transactionId: u32): i64 {
    const ring = this.ring!;
    const deadline = systemTime() + this.timeout;
    if (++this.lastId == 0) this.lastId = 1;
    const id = this.lastId;
    const first = !this.answered;
    let result = ring.send(type, id, transactionId, payload.address(), payload.size(), first, deadline);
    while (result == 0) {
      result = ring.receive(deadline);
      if (result < 0) break;
      const header = ring.message.header;
      if (header.type != XS_WATCH_EVENT && header.req_id == id) {
        result = this.takeReply(ring, type);
        break;
      }
      /* An event; or the reply to a request that timed out. */
      this.takeEvent(ring);
      if (systemTime() >= deadline) result = -ETIMEDOUT;
    }
    if (result == -ENOTCONN) this.broken(ring);
    if (this.callbacks > 0) this.takeEvents(ring);
    return result;
  }

  private takeReply(ring: StoreRing, expected: u32): i64 {
    const header = ring.message.header;
    const type = header.type;
    this.answered = true;
    this.reply = new StaticArray<u8>(header.len);
    memory.copy(changetype<usize>(this.reply), ring.message.payload, header.len);
    ring.discard();
    if (type == XS_ERROR) return storeErrorNumber(this.replyText);
    return type == expected ? 0 : -EIO;
  }

  /** Handles a message other than a reply. */
  private takeEvent(ring: StoreRing): void {
    const header = ring.message.header;
    const isEvent = header.type == XS_WATCH_EVENT;
    const words = isEvent ? stringsOf(ring.message.payload, header.len) : [];
    ring.discard();
    if (words.length < 2) return;
    const watch = this.withToken(words[1]);
    if (!watch || !watch.queue(words[0]) || !watch.callback) return;
    this.due.push(watch);
    if (!this.dispatching) this.dispatchSoon();
  }

  /**
   * All that is there. Needed after anything that clears the port's pending bit, while the event loop waits for it:
   * what came together with a reply raises no event of its own.
   */
  private takeEvents(ring: StoreRing): void {
    let result: i64 = 0;
    while (true) {
      result = ring.receive(0);
      if (result != 0) break;
      this.takeEvent(ring);
    }
    if (result == -ENOTCONN) this.broken(ring);
  }

  private broken(ring: StoreRing): void {
    if (this.failure.length != 0) return;
    this.failure = ring.failure;
    if (this.callbacks == 0) return;
    evtchn.off(ring.port);
    record("error", "xenstore: " + this.failure + "; watches are dead until xenstore.open()");
  }

  /** Sleeps until an event has come or Xen system time is `deadline` (ns). 0; -ETIMEDOUT; -ENOTCONN; -ENODEV. */
  receiveEvents(deadline: u64): i64 {
    let result = this.ready();
    if (result < 0) return result;
    const ring = this.ring!;
    result = ring.receive(max<u64>(deadline, 1)); // 0 has a meaning of its own
    if (result == 0) this.takeEvent(ring);
    if (result == -ENOTCONN) this.broken(ring);
    return result;
  }

  /** A token that no other watch has, of this kernel or an earlier one. */
  newToken(): string {
    return this.tokenPrefix + (++this.tokens).toString();
  }

  private withToken(token: string): StoreWatch | null {
    for (let i = 0; i < this.watches.length; i++) if (this.watches[i].token == token) return this.watches[i];
    return null;
  }

  /** Sets the watch up; its `error` says how that went. -EEXIST: there is one with its token. */
  watch(watch: StoreWatch): void {
    watch.error = this.withToken(watch.token) ? -EEXIST : this.ready();
    if (watch.error != 0) return;
    this.watches.push(watch);
    watch.error = this.requestWatch(XS_WATCH, watch);
    if (watch.error != 0) {
      this.watches.pop();
      return;
    }
    if (!watch.callback) return;
    this.callbacks++;
    if (this.callbacks == 1) watch.error = this.listen(this.ring!);
  }

  unwatch(watch: StoreWatch): i64 {
    const at = this.watches.indexOf(watch);
    if (at < 0) return -ENOENT;
    this.watches.splice(at, 1);
    const ring = this.ring;
    if (watch.callback && --this.callbacks == 0 && ring) evtchn.off(ring.port);
    return this.requestWatch(XS_UNWATCH, watch);
  }

  private requestWatch(type: u32, watch: StoreWatch): i64 {
    payload.begin();
    payload.text(watch.path);
    payload.text(watch.token);
    return this.request(type);
  }

  /** Has the store drop every watch and transaction of this domain; we do not, and watchAgain() restores ours. */
  resetWatches(): i64 {
    payload.begin();
    payload.text("");
    return this.ring ? this.exchange(XS_RESET_WATCHES, 0) : 0;
  }

  /** Both forget. */
  forgetWatches(): i64 {
    const ready = this.ready();
    if (ready < 0) return ready;
    if (this.callbacks > 0) evtchn.off(this.ring!.port);
    this.callbacks = 0;
    this.watches = [];
    this.due = [];
    return this.resetWatches();
  }

  /** Sets up every watch as before. One that the store has kept is as good. */
  watchAgain(): void {
    for (let i = 0; i < this.watches.length; i++) {
      const result = this.requestWatch(XS_WATCH, this.watches[i]);
      this.watches[i].error = result == -EEXIST ? 0 : result;
    }
  }

  /** From now on the event loop waits for events. */
  private listen(ring: StoreRing): i64 {
    const result = evtchn.on<StoreConnection>(ring.port, this, (connection, port) => {
      connection.dispatch();
    });
    if (result == 0) this.takeEvents(ring);
    return result;
  }

  private dispatchSoon(): void {
    if (this.timerIsSet) return;
    this.timerIsSet = true;
    after<StoreConnection>(0, this, (connection) => {
      connection.timerIsSet = false;
      connection.dispatch();
    });
  }

  /** In the event loop: calls back for what has changed. What changes meanwhile is left for its next turn. */
  private dispatch(): void {
    if (this.ready() < 0) return;
    this.dispatching = true;
    this.takeEvents(this.ring!);
    for (let i = this.due.length; i > 0; i--) this.due.shift().run();
    this.dispatching = false;
    if (this.due.length > 0) this.dispatchSoon();
  }
}
