// The page that a domain and the store's daemon share, from either end: xen/include/public/io/xs_wire.h,
// docs/misc/xenstore-ring.txt of Xen's.
//
//   req[1024]  the guest writes req_prod, the daemon reads up to it and moves req_cons
//   rsp[1024]  the daemon writes rsp_prod, the guest reads up to it and moves rsp_cons
//
// Each is a stream of messages: a header, then `len` bytes. A message may be longer than a ring, so it passes in
// parts. The four counters run freely, modulo 2^32, and outlive a kernel.

import { fence, load32, load8, store32, store8 } from "../intrinsics";
import {
  XENSTORE_INTERFACE_REQ,
  XENSTORE_INTERFACE_REQ_CONS,
  XENSTORE_INTERFACE_REQ_PROD,
  XENSTORE_INTERFACE_RSP,
  XENSTORE_INTERFACE_RSP_CONS,
  XENSTORE_INTERFACE_RSP_PROD,
  XENSTORE_PAYLOAD_MAX,
  XENSTORE_RING_SIZE,
  xsd_sockmsg,
} from "../../raw/abi/xs_wire";
import { ENOTCONN } from "../../raw/errno";

/** Bytes of struct xsd_sockmsg, which is before every message. */
export const HEADER: u32 = <u32>offsetof<xsd_sockmsg>();
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
