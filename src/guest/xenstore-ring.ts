// The page that a domain and the store's daemon share: xen/include/public/io/xs_wire.h, docs/misc/xenstore-ring.txt.
//
//   req[1024]  the guest writes req_prod, the daemon reads up to it and moves req_cons
//   rsp[1024]  the daemon writes rsp_prod, the guest reads up to it and moves rsp_cons
//
// Each is a stream of messages: a header, then `len` bytes. A message may be longer than a ring, so it passes in
// parts. The four counters run freely, modulo 2^32, and outlive a kernel.

import { evtchn } from "./evtchn";
import { fence, load32, load8, store32, store8 } from "./intrinsics";
import {
  XENSTORE_CONNECTED,
  XENSTORE_INTERFACE_CONNECTION,
  XENSTORE_INTERFACE_ERROR,
  XENSTORE_INTERFACE_REQ,
  XENSTORE_INTERFACE_REQ_CONS,
  XENSTORE_INTERFACE_REQ_PROD,
  XENSTORE_INTERFACE_RSP,
  XENSTORE_INTERFACE_RSP_CONS,
  XENSTORE_INTERFACE_RSP_PROD,
  XENSTORE_INTERFACE_SERVER_FEATURES,
  XENSTORE_PAYLOAD_MAX,
  XENSTORE_RECONNECT,
  XENSTORE_RING_SIZE,
  XENSTORE_SERVER_FEATURE_ERROR,
  XENSTORE_SERVER_FEATURE_RECONNECTION,
  XS_ERROR,
  xsd_sockmsg,
} from "./abi/xs_wire";
import { E2BIG, ENOTCONN, ETIMEDOUT } from "./errno";
import { PollWake, sched } from "./sched";
import { systemTime } from "./time";

const HEADER: u32 = <u32>offsetof<xsd_sockmsg>();
const MESSAGE_MAX: u32 = HEADER + XENSTORE_PAYLOAD_MAX;

/** One of the two rings, from either side. */
export class ByteRing {
  constructor(
    private data: usize,
    private cons: usize,
    private prod: usize,
  ) {}

  /** Writes at most `size` bytes; returns how many there was room for, -ENOTCONN if the counters make no sense. */
  write(from: usize, size: u32): i32 {
    const start = load32(this.prod);
    const used = start - load32(this.cons);
    if (used > XENSTORE_RING_SIZE) return -(<i32>ENOTCONN);
    const count = min(size, XENSTORE_RING_SIZE - used);
    if (count == 0) return 0;
    /* The counter that says what is free before the bytes there are overwritten. */
    fence();
    for (let i: u32 = 0; i < count; i++)
      store8(this.data + ((start + i) % XENSTORE_RING_SIZE), load<u8>(from + i));
    /* The bytes before the counter that announces them. */
    fence();
    store32(this.prod, start + count);
    return count;
  }

  /** Reads at most `size` bytes; returns how many there were, -ENOTCONN if the counters make no sense. */
  read(to: usize, size: u32): i32 {
    const start = load32(this.cons);
    const ready = load32(this.prod) - start;
    if (ready > XENSTORE_RING_SIZE) return -(<i32>ENOTCONN);
    const count = min(size, ready);
    if (count == 0) return 0;
    /* The counter before the bytes it announced, and the bytes before we give the room back. */
    fence();
    for (let i: u32 = 0; i < count; i++)
      store<u8>(to + i, <u8>load8(this.data + ((start + i) % XENSTORE_RING_SIZE)));
    fence();
    store32(this.cons, start + count);
    return count;
  }

  /** Forgets what is in the ring: the reader's to do. */
  drop(): void {
    store32(this.cons, load32(this.prod));
  }

  /** Both counters as in a new domain: only while the other side does not look. */
  clear(): void {
    store32(this.cons, 0);
    store32(this.prod, 0);
  }
}

/** The guest's requests, in the page at `page`. */
export function requestRing(page: usize): ByteRing {
  return new ByteRing(
    page + XENSTORE_INTERFACE_REQ,
    page + XENSTORE_INTERFACE_REQ_CONS,
    page + XENSTORE_INTERFACE_REQ_PROD,
  );
}

/** The daemon's replies and watch events. */
export function replyRing(page: usize): ByteRing {
  return new ByteRing(
    page + XENSTORE_INTERFACE_RSP,
    page + XENSTORE_INTERFACE_RSP_CONS,
    page + XENSTORE_INTERFACE_RSP_PROD,
  );
}

/** Room for one message, some of it filled. */
export class MessageBuffer {
  private bytes: StaticArray<u8> = new StaticArray<u8>(MESSAGE_MAX);
  filled: u32 = 0;

  @inline get address(): usize {
    return changetype<usize>(this.bytes);
  }

  get header(): xsd_sockmsg {
    return changetype<xsd_sockmsg>(this.address);
  }

  get payload(): usize {
    return this.address + HEADER;
  }

  get hasHeader(): bool {
    return this.filled >= HEADER;
  }

  get tooLong(): bool {
    return this.hasHeader && this.header.len > XENSTORE_PAYLOAD_MAX;
  }

  get complete(): bool {
    return this.hasHeader && this.filled == HEADER + this.header.len;
  }

  /** Takes of `ring` what the header still lacks. Bytes taken, or -ENOTCONN. */
  takeHeader(ring: ByteRing): i32 {
    return this.hasHeader ? 0 : this.take(ring, HEADER);
  }

  /** The same for what follows the header, which is there and not too long. */
  takePayload(ring: ByteRing): i32 {
    return this.take(ring, HEADER + this.header.len);
  }

  private take(ring: ByteRing, size: u32): i32 {
    const count = ring.read(this.address + this.filled, size - this.filled);
    if (count > 0) this.filled += count;
    return count;
  }

  /** Forgets its first byte. */
  shift(): void {
    this.filled--;
    memory.copy(this.address, this.address + 1, this.filled);
  }
}

/** The guest's end. Whatever waits sleeps in Xen, and not beyond its deadline (ns of Xen system time). */
export class StoreRing {
  private requests: ByteRing;
  private replies: ByteRing;
  private ports: StaticArray<u32>;
  private out: MessageBuffer = new MessageBuffer();
  /** How many of its bytes are in the ring. */
  private sent: u32 = 0;
  /** What comes in: the message that receive() reports, until discard(). */
  readonly message: MessageBuffer = new MessageBuffer();
  /** Not 0: everything that is no reply to this request is skipped, byte by byte. */
  private awaited: u32 = 0;
  private awaitedType: u32 = 0;
  /** Why there is no connection any more; empty while there is one. */
  trouble: string = "";

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
   * Begins anew, whatever an earlier kernel left in the page. A daemon that offers it empties the rings and forgets
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
   * Puts a message on its way: `size` bytes from `payload` behind a header. It may still be on it when this
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
   * broken, and `trouble` says how. A deadline of 0 is one that has passed.
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

  /** Until an event, or the deadline: -ETIMEDOUT. -ENOTCONN: the port is gone. */
  private sleep(deadline: u64): i64 {
    const woken = sched.poll(this.ports, deadline);
    if (woken == PollWake.DEADLINE) return -ETIMEDOUT;
    if (woken >= 0) return 0;
    this.trouble = "event channel port " + this.port.toString() + " is not bound";
    return -ENOTCONN;
  }

  /** Moves what can be moved without waiting, both ways. Bytes, or -ENOTCONN. */
  private move(): i32 {
    if (this.trouble.length != 0) return -(<i32>ENOTCONN);
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
    return this.trouble.length != 0 ? -(<i32>ENOTCONN) : moved;
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
      header.tx_id == 0 &&
      header.len <= XENSTORE_PAYLOAD_MAX;
    if (mine) this.awaited = 0;
    return !mine;
  }

  private broken(how: string): i32 {
    this.trouble = how;
    return -(<i32>ENOTCONN);
  }

  private checkError(): void {
    if ((load32(this.page + XENSTORE_INTERFACE_SERVER_FEATURES) & XENSTORE_SERVER_FEATURE_ERROR) == 0) return;
    const error = load32(this.page + XENSTORE_INTERFACE_ERROR);
    if (error != 0) this.trouble = "the store has ended the connection, XENSTORE_ERROR_* " + error.toString();
  }
}
