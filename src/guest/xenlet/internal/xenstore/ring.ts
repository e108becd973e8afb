// The guest's end of the store's ring: messages out and in, and waiting for them.

import { evtchn } from "../events/evtchn";
import { fence, load32, store32 } from "../intrinsics";
import {
  XENSTORE_CONNECTED,
  XENSTORE_INTERFACE_CONNECTION,
  XENSTORE_INTERFACE_ERROR,
  XENSTORE_INTERFACE_SERVER_FEATURES,
  XENSTORE_PAYLOAD_MAX,
  XENSTORE_RECONNECT,
  XENSTORE_RING_SIZE,
  XENSTORE_SERVER_FEATURE_ERROR,
  XENSTORE_SERVER_FEATURE_RECONNECTION,
  XS_ERROR,
  xsd_sockmsg,
} from "../../raw/abi/xs_wire";
import { E2BIG, ENOTCONN, ETIMEDOUT } from "../../raw/errno";
import { PollWake, sched } from "../sched/sched";
import { systemTime } from "../time/time";
import { ByteRing, HEADER, MessageBuffer, replyRing, requestRing } from "./page";

/** Waiting sleeps in Xen, until a deadline (ns of Xen system time) at most. */
export class StoreRing {
  private requests: ByteRing;
  private replies: ByteRing;
  private ports: StaticArray<u32>;
  private out: MessageBuffer = new MessageBuffer();
  /** How many of its bytes are in the ring. */
  private sent: u32 = 0;
  /** What comes in: the message that receive() reports, until discard(). */
  readonly message: MessageBuffer = new MessageBuffer();
  /** Not 0: everything other than the reply to this request is skipped, byte by byte. */
  private awaited: u32 = 0;
  private awaitedType: u32 = 0;
  /** Why there is no connection any more; empty while there is one. */
  failure: string = "";

  /** `page` is the shared page's address, `port` the event channel to the daemon. */
  constructor(
    readonly page: usize,
    readonly port: u32,
  ) {
    this.requests = requestRing(page);
    this.replies = replyRing(page);
    this.ports = [port];
  }

  /**
   * Starts again, whatever an earlier kernel left in the page. A daemon that offers it empties the rings and forgets
   * all it knew of this connection; otherwise the replies that are there are dropped, and what follows up to the
   * reply to the first request is skipped (send()). -ETIMEDOUT: the daemon does not answer.
   */
  connect(deadline: u64): i64 {
    const connection = this.page + XENSTORE_INTERFACE_CONNECTION;
    const features = load32(this.page + XENSTORE_INTERFACE_SERVER_FEATURES);
    if ((features & XENSTORE_SERVER_FEATURE_RECONNECTION) == 0) {
      this.replies.drop();
      this.notify();
      return 0;
    }
    store32(connection, XENSTORE_RECONNECT);
    fence();
    this.notify();
    while (true) {
      evtchn.clear(this.port);
      if (load32(connection) == XENSTORE_CONNECTED) return 0;
      const slept = this.sleep(deadline);
      if (slept < 0) return slept;
    }
  }

  /**
   * Sends a message: a header, then `size` bytes from `payload`. It may still be in transit when this
   * returns 0: receive() sees to the rest. `first`: of this connection.
   *
   * -E2BIG: more than XENSTORE_PAYLOAD_MAX, for which the daemon would end the connection; -ETIMEDOUT, -ENOTCONN.
   */
  send(
    type: u32,
    requestId: u32,
    transactionId: u32,
    payload: usize,
    size: u32,
    first: bool,
    deadline: u64,
  ): i64 {
    if (size > XENSTORE_PAYLOAD_MAX) return -E2BIG;
    /* The rest of a request that timed out: the daemon would take what follows for it. */
    while (this.sent < this.out.filled) {
      evtchn.clear(this.port);
      const moved = this.move();
      if (moved < 0) return moved;
      const slept = moved > 0 ? 0 : this.sleep(deadline);
      if (slept < 0) return slept;
    }
    const header = this.out.header;
    header.type = type;
    header.req_id = requestId;
    header.tx_id = transactionId;
    header.len = size;
    memory.copy(this.out.payload, payload, size);
    this.out.filled = HEADER + size;
    this.sent = 0;
    if (first) {
      this.awaited = requestId;
      this.awaitedType = type;
    }
    return min<i64>(this.move(), 0);
  }

  /**
   * Waits until a message is there, in `message`, and returns 0; -ETIMEDOUT: none came; -ENOTCONN: the connection is
   * broken, and `failure` says how. A deadline of 0 is one that has passed.
   */
  receive(deadline: u64): i64 {
    while (true) {
      evtchn.clear(this.port);
      const moved = this.move();
      if (moved < 0) return moved;
      if (this.message.complete) return 0;
      if (moved > 0 && (deadline == 0 || systemTime() < deadline)) continue;
      if (deadline == 0) return -ETIMEDOUT;
      const slept = this.sleep(deadline);
      if (slept < 0) return slept;
    }
  }

  /** Makes room for the next message. */
  discard(): void {
    this.message.filled = 0;
  }

  private notify(): void {
    evtchn.send(this.port);
  }

  /** Until an event, or the deadline: -ETIMEDOUT. -ENOTCONN: the port is closed. */
  private sleep(deadline: u64): i64 {
    const woken = sched.poll(this.ports, deadline);
    if (woken == PollWake.DEADLINE) return -ETIMEDOUT;
    if (woken >= 0) return 0;
    this.failure = "event channel port " + this.port.toString() + " is not bound";
    return -ENOTCONN;
  }

  /** Moves what can be moved without waiting, both ways. Bytes, or -ENOTCONN. */
  private move(): i32 {
    if (this.failure.length != 0) return -(<i32>ENOTCONN);
    let moved = 0;
    if (this.sent < this.out.filled) {
      moved = this.requests.write(this.out.address + this.sent, this.out.filled - this.sent);
      if (moved < 0) return this.broken("the request ring's counters make no sense");
      this.sent += moved;
    }
    const taken = this.takeIn();
    if (taken < 0) return taken;
    moved += taken;
    if (moved > 0) this.notify();
    else this.checkError();
    return this.failure.length != 0 ? -(<i32>ENOTCONN) : moved;
  }

  private takeIn(): i32 {
    const message = this.message;
    let taken = 0;
    /* Where bytes are skipped, one at a time: no more of them in one go than the ring holds. */
    for (let i: u32 = 0; i < XENSTORE_RING_SIZE; i++) {
      const count = message.takeHeader(this.replies);
      if (count < 0) return this.broken("the reply ring's counters make no sense");
      taken += count;
      if (!message.hasHeader || !this.mustSkip(message.header)) break;
      message.shift();
    }
    if (!message.hasHeader || this.awaited != 0) return taken;
    if (message.tooLong) return this.broken("a message of more than XENSTORE_PAYLOAD_MAX bytes");
    const count = message.takePayload(this.replies);
    if (count < 0) return this.broken("the reply ring's counters make no sense");
    return taken + count;
  }

  /** Whether this is not yet the header of the reply to the first request. */
  private mustSkip(header: xsd_sockmsg): bool {
    if (this.awaited == 0) return false;
    const mine =
      header.req_id == this.awaited &&
      (header.type == this.awaitedType || header.type == XS_ERROR) &&
      header.tx_id == 0;
    if (mine) this.awaited = 0;
    return !mine;
  }

  private broken(how: string): i32 {
    this.failure = how;
    return -(<i32>ENOTCONN);
  }

  private checkError(): void {
    if ((load32(this.page + XENSTORE_INTERFACE_SERVER_FEATURES) & XENSTORE_SERVER_FEATURE_ERROR) == 0) return;
    const error = load32(this.page + XENSTORE_INTERFACE_ERROR);
    if (error != 0) this.failure = "the store has ended the connection, XENSTORE_ERROR_* " + error.toString();
  }
}
