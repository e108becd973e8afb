// The event channel calls as exports, for evtchn.test.ts.

import { evtchn } from "xenlet";

export function useFifo(): i64 {
  return evtchn.useFifo();
}

export function isFifo(): bool {
  return evtchn.isFifo();
}

export function bindIpi(): i64 {
  return evtchn.bindIpi();
}

export function unmask(port: u32): i64 {
  return evtchn.unmask(port);
}

export function mask(port: u32): void {
  evtchn.mask(port);
}

export function isMasked(port: u32): bool {
  return evtchn.isMasked(port);
}

export function isPending(port: u32): bool {
  return evtchn.isPending(port);
}

export function clear(port: u32): bool {
  return evtchn.clear(port);
}

export function close(port: u32): i64 {
  return evtchn.close(port);
}

export function scan(): u32 {
  return evtchn.scan();
}

export function setPriority(port: u32, priority: u32): i64 {
  return evtchn.setPriority(port, priority);
}

export function reset(): i64 {
  return evtchn.reset();
}

/** state, vcpu, domain, remote port, virq. */
export function statusField(port: u32, field: i32): i64 {
  const status = evtchn.status(port);
  if (status.result < 0) return status.result;
  if (field == 0) return status.state;
  if (field == 1) return status.vcpu;
  if (field == 2) return status.domain;
  if (field == 3) return status.remotePort;
  return status.virq;
}
