// The 2-level ABI: two bit maps in shared_info, pending and mask, of 4096 ports, and in vcpu_info a selector with
// a bit for each of the 64 words of them. xen/common/event_2l.c (4.17).

import { exchange64, clear_bit, load64, set_bit, take_upcall } from "../intrinsics";
import { EVTCHN_2L_NR_CHANNELS } from "../../raw/abi/event_channel";
import {
  SHARED_INFO_EVTCHN_MASK,
  SHARED_INFO_EVTCHN_PENDING,
  VCPU_INFO_EVTCHN_PENDING_SEL,
} from "../../raw/abi/xen";
import { maskAll } from "./masks";
import { EventAbi } from "./port-abi";
import { mappedSharedInfo, mappedVcpuInfo } from "./shared-info";
import { portsOfOthers, setOwner } from "./event-view";

/** To be made behind needSharedInfo(). */
export class TwoLevel extends EventAbi {
  /** Words that may hold more than scan() has returned of them. */
  private selector: u64 = 0;
  /** Where scan() continues, so that a busy port does not starve others. */
  private word: u32 = 0;
  private bit: u32 = 0;

  get ports(): u32 {
    return EVTCHN_2L_NR_CHANNELS;
  }

  cover(port: u32): i64 {
    return 0;
  }

  isPending(port: u32): bool {
    return bitOf(SHARED_INFO_EVTCHN_PENDING, port);
  }

  isMasked(port: u32): bool {
    return bitOf(SHARED_INFO_EVTCHN_MASK, port);
  }

  pendingBit(port: u32): u32 {
    return (<u32>1) << (port % 32);
  }

  pendingWord(port: u32): usize {
    return mappedSharedInfo() + SHARED_INFO_EVTCHN_PENDING + (port / 32) * 4;
  }

  route(port: u32, vcpu: u32): i64 {
    setOwner(port, vcpu);
    return 0;
  }

  clear(port: u32): bool {
    return clear_bit(mappedSharedInfo() + SHARED_INFO_EVTCHN_PENDING, port) != 0;
  }

  mask(port: u32): void {
    set_bit(mappedSharedInfo() + SHARED_INFO_EVTCHN_MASK, port);
  }

  /**
   * The mask first: of an event that comes between the two, Xen or we see that the other has been there. Between a soft
   * reset and xen.attach() the page is Xen's alone.
   */
  unmaskIdle(port: u32): bool {
    const page = mappedSharedInfo();
    if (page == 0) return false;
    clear_bit(page + SHARED_INFO_EVTCHN_MASK, port);
    if (!this.isPending(port)) return true;
    this.mask(port);
    return false;
  }

  /**
   * The order is what makes block() safe: first the upcall flag and the selector, then the words. An event that
   * arrives after its word was read sets the flag again, and block() sees it.
   */
  scan(): u32 {
    const page = mappedSharedInfo();
    take_upcall();
    let selector = this.selector | exchange64(mappedVcpuInfo() + VCPU_INFO_EVTCHN_PENDING_SEL, 0);
    while (selector != 0) {
      if (selector >> this.word == 0) this.word = this.bit = 0;
      const word = this.word + <u32>ctz(selector >> this.word);
      if (word != this.word) this.bit = 0;
      const pending = load64(page + SHARED_INFO_EVTCHN_PENDING + word * 8);
      const masked = load64(page + SHARED_INFO_EVTCHN_MASK + word * 8);
      /* Xen sets the selector of the vCPU that it notifies, but the words are one for all. */
      const ready = (pending & ~masked & ~portsOfOthers(word)) >> this.bit;
      if (ready != 0) {
        const bit = this.bit + <u32>ctz(ready);
        this.selector = selector;
        this.goOnAt(word, bit + 1);
        this.clear(word * 64 + bit);
        return word * 64 + bit;
      }
      /* Looked at from its first bit on, the word has nothing left; else it is looked at again in its turn. */
      if (this.bit == 0) selector &= ~((<u64>1) << word);
      this.goOnAt(word, 64);
    }
    this.selector = 0;
    return 0;
  }

  private goOnAt(word: u32, bit: u32): void {
    this.word = (word + bit / 64) % 64;
    this.bit = bit % 64;
  }

  unmaskedPorts(): Array<u32> {
    const ports: Array<u32> = [];
    for (let word: u32 = 0; word < 64; word++) {
      let open = ~load64(mappedSharedInfo() + SHARED_INFO_EVTCHN_MASK + word * 8);
      for (; open != 0; open &= open - 1) ports.push(word * 64 + <u32>ctz(open));
    }
    return ports;
  }

  reset(): void {
    maskAll(mappedSharedInfo(), mappedVcpuInfo());
    this.selector = 0;
  }
}

function bitOf(map: usize, port: u32): bool {
  return ((load64(mappedSharedInfo() + map + (port / 64) * 8) >> (port % 64)) & 1) != 0;
}
