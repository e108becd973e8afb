// The daemon's end of a domain's PV console (io/console.h): what xenconsoled is to a domain under xl.

import { fence, load32, load8, store32, store8 } from "xenlet/intrinsics";
import {
  XENCONS_IN,
  XENCONS_IN_CONS,
  XENCONS_IN_PROD,
  XENCONS_OUT,
  XENCONS_OUT_CONS,
  XENCONS_OUT_PROD,
} from "xenlet/abi/console";
import { evtchn } from "xenlet/evtchn";

const IN_SIZE: u32 = 1024;
const OUT_SIZE: u32 = 2048;

/** A line that is longer is passed on in parts. */
const LINE: u32 = 4096;

export class ConsoleBackend {
  private line: StaticArray<u8> = new StaticArray<u8>(LINE);
  private length: u32 = 0;

  /** `page`: where the ring is mapped; `port`: our end of its event channel. Lines go to `onLine`, without their newline. */
  constructor(
    readonly page: usize,
    public port: u32,
    readonly domid: u16,
    private onLine: (domid: u16, from: usize, size: u32) => void,
  ) {}

  /** Takes what the domain has written, and tells it that there is room again. Returns how many bytes. */
  drain(): u32 {
    const start = load32(this.page + XENCONS_OUT_CONS);
    /* The counter before the bytes that it announces. A domain may write nonsense there: never more than a ring's worth. */
    const count = min(load32(this.page + XENCONS_OUT_PROD) - start, OUT_SIZE);
    if (count == 0) return 0;
    fence();
    for (let i: u32 = 0; i < count; i++)
      this.take(<u8>load8(this.page + XENCONS_OUT + ((start + i) % OUT_SIZE)));
    fence();
    store32(this.page + XENCONS_OUT_CONS, start + count);
    evtchn.send(this.port);
    return count;
  }

  private take(byte: u8): void {
    if (byte == 0x0a) this.flush();
    else if (byte != 0x0d) {
      if (this.length == LINE) this.flush();
      unchecked((this.line[this.length++] = byte));
    }
  }

  /** Passes on a line that has not ended. */
  flush(): void {
    this.onLine(this.domid, changetype<usize>(this.line), this.length);
    this.length = 0;
  }

  /** Whether there is a line that has not ended. */
  get unfinished(): bool {
    return this.length > 0;
  }

  /** Types `size` bytes on the domain's console; returns how many there was room for. */
  type(from: usize, size: u32): u32 {
    const start = load32(this.page + XENCONS_IN_PROD);
    const used = start - load32(this.page + XENCONS_IN_CONS);
    const count = used > IN_SIZE ? 0 : min(size, IN_SIZE - used);
    if (count == 0) return 0;
    for (let i: u32 = 0; i < count; i++)
      store8(this.page + XENCONS_IN + ((start + i) % IN_SIZE), load<u8>(from + i));
    fence();
    store32(this.page + XENCONS_IN_PROD, start + count);
    evtchn.send(this.port);
    return count;
  }
}
