// Which ports were bound here: those can be unmasked without asking Xen.

import { EVTCHN_2L_NR_CHANNELS } from "../../raw/abi/event_channel";

/** A bit for each port that was bound here, as far as it has one. */
const OURS_BYTES: u32 = EVTCHN_2L_NR_CHANNELS / 8;
@lazy const ours: usize = memory.data(OURS_BYTES, 8);

export function isOurs(port: u32): bool {
  if (port >= EVTCHN_2L_NR_CHANNELS) return false;
  return ((load<u8>(ours + port / 8) >> (<u8>(port % 8))) & 1) != 0;
}

export function setOurs(port: u32, bound: bool): void {
  if (port >= EVTCHN_2L_NR_CHANNELS) return;
  const at = ours + port / 8;
  const bit: u32 = (<u32>1) << (port % 8);
  const old: u32 = load<u8>(at);
  store<u8>(at, <u8>(bound ? old | bit : old & ~bit));
}

/** Xen has closed every port. */
export function forgetOurs(): void {
  memory.fill(ours, 0, OURS_BYTES);
}
