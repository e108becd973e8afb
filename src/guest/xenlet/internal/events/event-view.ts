// What the other vCPUs have to know about event channels to take their own events (boot/events.c): there once a port is bound
// to another vCPU than 0. Its layout is struct event_view's in boot/boot.h.

import { EVTCHN_2L_NR_CHANNELS } from "../../raw/abi/event_channel";
import { set_event_view, store32, store8 } from "../intrinsics";

/** MAX_VCPUS in boot/layout.h. */
export const EVENT_VCPUS: u32 = 4;

const FIFO_PAGES: u32 = 128;
const FIFO: usize = 0;
const CONTROL: usize = 4;
const PAGES: usize = CONTROL + EVENT_VCPUS * 4;
const OWNER: usize = PAGES + FIFO_PAGES * 4;
const SIZE: usize = OWNER + EVTCHN_2L_NR_CHANNELS;

@lazy let at: usize = 0;
/** For each word of the 2-level bit maps the ports of it that are not vCPU 0's. */
@lazy let others: usize = 0;
const OTHERS_SIZE: usize = EVTCHN_2L_NR_CHANNELS / 8;
/** vCPUs that have had a port. */
@lazy let notified: u32 = 0;

/** Says which vCPU a port notifies, in either ABI. */
export function setOwner(port: u32, vcpu: u32): void {
  if (at == 0) {
    if (vcpu == 0) return;
    at = heap.alloc(SIZE);
    others = heap.alloc(OTHERS_SIZE);
    forgetOwners();
    set_event_view(at);
  }
  notified |= (<u32>1) << vcpu;
  if (port >= EVTCHN_2L_NR_CHANNELS) return;
  store8(at + OWNER + port, vcpu);
  const word = others + (port / 64) * 8;
  const bit = (<u64>1) << (port % 64);
  store<u64>(word, vcpu == 0 ? load<u64>(word) & ~bit : load<u64>(word) | bit);
}

/** Ports of word `word` of the 2-level bit maps that other vCPUs take. */
export function portsOfOthers(word: u32): u64 {
  return at == 0 ? 0 : load<u64>(others + word * 8);
}

/** Whether vCPU `vcpu` has had a port; never vCPU 0. */
export function isNotified(vcpu: u32): bool {
  return at != 0 && vcpu != 0 && ((notified >> vcpu) & 1) != 0;
}

/** Where vCPU `vcpu`'s FIFO control block is; 0 if it has none. */
export function fifoControl(vcpu: u32): usize {
  return at == 0 ? 0 : load<u32>(at + CONTROL + vcpu * 4);
}

export function setFifoControl(vcpu: u32, block: usize): void {
  store32(at + CONTROL + vcpu * 4, <u32>block);
}

/** The FIFO ABI is in use, and these are its event array's pages. Nothing while all ports are vCPU 0's. */
export function setFifoPages(pages: Array<usize>): void {
  if (at == 0) return;
  for (let i = 0; i < pages.length; i++) store32(at + PAGES + i * 4, <u32>pages[i]);
  store32(at + FIFO, 1);
}

/** Xen has closed every port, and is back at the 2-level ABI. */
export function forgetOwners(): void {
  if (at == 0) return;
  memory.fill(at, 0, SIZE);
  memory.fill(others, 0, OTHERS_SIZE);
  notified = 0;
}
