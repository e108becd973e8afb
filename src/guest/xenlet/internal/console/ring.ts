// The guest's end of the PV console: two rings in one page, shared with the console daemon.
//
//   in[1024]   the daemon writes in_prod, the guest reads up to it and moves in_cons
//   out[2048]  the guest writes out_prod, the daemon reads up to it and moves out_cons
//
// The four counters run freely, modulo 2^32; a place is the counter modulo the ring's size. They outlive a
// kernel: a new one continues from where they stand.

import { evtchn } from "../events/evtchn";
import { hvmParam } from "../../raw/hvm-param";
import { fence, load32, load8, shared_map, store32, store8 } from "../intrinsics";
import {
  XENCONS_IN,
  XENCONS_IN_CONS,
  XENCONS_IN_PROD,
  XENCONS_OUT,
  XENCONS_OUT_CONS,
  XENCONS_OUT_PROD,
} from "../../raw/abi/console";
import { HVM_PARAM_CONSOLE_EVTCHN, HVM_PARAM_CONSOLE_PFN } from "../../raw/abi/hvm";
import { sched } from "../sched/sched";

const IN_SIZE: u32 = 1024;
const OUT_SIZE: u32 = 2048;

/** The console's page, from the domain's side: struct xencons_interface (io/console.h). */
export class ConsoleRing {
  private ports: StaticArray<u32>;

  /** `page` is the shared page's address, `port` the event channel to the daemon. */
  constructor(
    readonly page: usize,
    readonly port: u32,
  ) {
    this.ports = [port];
  }

  /**
   * This domain's own console, as it is now: a soft reset gives it another port. Null where it has none, as dom0.
   * What console.log says goes the same way (boot/console.c), a line at a time.
   */
  static own(): ConsoleRing | null {
    const gfn = hvmParam(HVM_PARAM_CONSOLE_PFN);
    const port = <u32>hvmParam(HVM_PARAM_CONSOLE_EVTCHN);
    if (gfn == 0 || port == 0) return null;
    const page = shared_map(gfn, 1);
    return page == 0 ? null : new ConsoleRing(page, port);
  }

  /** Bytes that can be written now without waiting. 0 too if the other end's counter makes no sense. */
  get room(): u32 {
    const used = load32(this.page + XENCONS_OUT_PROD) - load32(this.page + XENCONS_OUT_CONS);
    return used > OUT_SIZE ? 0 : OUT_SIZE - used;
  }

  /** Bytes that can be read now. A counter that makes no sense counts as a full ring. */
  get available(): u32 {
    return min(load32(this.page + XENCONS_IN_PROD) - load32(this.page + XENCONS_IN_CONS), IN_SIZE);
  }

  /**
   * Writes all of it, however much that is: with the ring full it waits for the daemon, until Xen system
   * time `deadline` (ns; 0: for ever). Returns the bytes written, fewer than `size` only at the deadline.
   */
  write(from: usize, size: u32, deadline: u64 = 0): u32 {
    let done: u32 = 0;
    while (done < size) {
      const chunk = this.writeSome(from + done, size - done);
      done += chunk;
      if (chunk > 0) continue;
      /* Cleared before the second look: an event after that ends the poll. */
      evtchn.clear(this.port);
      if (this.room > 0) continue;
      if (sched.poll(this.ports, deadline) == 2) break;
    }
    return done;
  }

  private writeSome(from: usize, size: u32): u32 {
    const count = min(size, this.room);
    if (count == 0) return 0;
    const start = load32(this.page + XENCONS_OUT_PROD);
    for (let i: u32 = 0; i < count; i++) {
      store8(this.page + XENCONS_OUT + ((start + i) % OUT_SIZE), load<u8>(from + i));
    }
    /* The bytes before the counter that announces them. */
    fence();
    store32(this.page + XENCONS_OUT_PROD, start + count);
    evtchn.send(this.port);
    return count;
  }

  /** Reads at most `size` bytes that are there; returns how many. Does not wait. */
  read(to: usize, size: u32): u32 {
    const count = min(size, this.available);
    if (count == 0) return 0;
    const start = load32(this.page + XENCONS_IN_CONS);
    /* The counter before the bytes it announced, and the bytes before we give the room back. */
    fence();
    for (let i: u32 = 0; i < count; i++) {
      store<u8>(to + i, <u8>load8(this.page + XENCONS_IN + ((start + i) % IN_SIZE)));
    }
    fence();
    store32(this.page + XENCONS_IN_CONS, start + count);
    evtchn.send(this.port);
    return count;
  }
}
