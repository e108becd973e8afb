// Event channels, 2-level: xen/include/public/event_channel.h, xen/common/event_channel.c (4.17).

import { event_channel_op } from "./hypercall";
import { clear_bit, exchange64, load64, set_bit, take_upcall } from "./intrinsics";
import {
  EVTCHNOP_alloc_unbound,
  EVTCHNOP_bind_interdomain,
  EVTCHNOP_bind_ipi,
  EVTCHNOP_bind_virq,
  EVTCHNOP_close,
  EVTCHNOP_send,
  EVTCHNOP_unmask,
  evtchn_alloc_unbound,
  evtchn_bind_interdomain,
  evtchn_bind_ipi,
  evtchn_bind_virq,
  evtchn_port,
} from "./abi/event_channel";
import {
  DOMID_SELF,
  SHARED_INFO_EVTCHN_MASK,
  SHARED_INFO_EVTCHN_PENDING,
  VCPU_INFO_EVTCHN_PENDING_SEL,
} from "./abi/xen";
import { sharedInfo } from "./shared_info";

const argument: usize = memory.data(16, 8);

function portOp(cmd: u32, port: u32): i64 {
  changetype<evtchn_port>(argument).port = port;
  return event_channel_op(cmd, argument);
}

/** Every call that binds returns the port, or Xen's negative errno. Ports start out masked. */
export namespace evtchn {
  /** A port that domain `remote` may bind to. -ENOSPC when the domain has no port left. */
  export function allocUnbound(remote: u16): i64 {
    const a = changetype<evtchn_alloc_unbound>(argument);
    a.dom = DOMID_SELF;
    a.remote_dom = remote;
    const result = event_channel_op(EVTCHNOP_alloc_unbound, argument);
    return result < 0 ? result : <i64>a.port;
  }

  /** A local port connected to `remotePort` of domain `remote`, which offered it to us; else -EINVAL. */
  export function bindInterdomain(remote: u16, remotePort: u32): i64 {
    const a = changetype<evtchn_bind_interdomain>(argument);
    a.remote_dom = remote;
    a.remote_port = remotePort;
    const result = event_channel_op(EVTCHNOP_bind_interdomain, argument);
    return result < 0 ? result : <i64>a.local_port;
  }

  /** A port for a VIRQ_* of vCPU `vcpu`. -EEXIST if that VIRQ is bound already. */
  export function bindVirq(virq: u32, vcpu: u32 = 0): i64 {
    const a = changetype<evtchn_bind_virq>(argument);
    a.virq = virq;
    a.vcpu = vcpu;
    const result = event_channel_op(EVTCHNOP_bind_virq, argument);
    return result < 0 ? result : <i64>a.port;
  }

  /** A port by which this domain notifies its own vCPU `vcpu`. */
  export function bindIpi(vcpu: u32 = 0): i64 {
    const a = changetype<evtchn_bind_ipi>(argument);
    a.vcpu = vcpu;
    const result = event_channel_op(EVTCHNOP_bind_ipi, argument);
    return result < 0 ? result : <i64>a.port;
  }

  /** Raises the event at the port's other end. Returns 0, or -EINVAL for a port that is not bound. */
  export function send(port: u32): i64 {
    return portOp(EVTCHNOP_send, port);
  }

  /** Returns 0, or -EINVAL for a port that is not in use. */
  export function close(port: u32): i64 {
    return portOp(EVTCHNOP_close, port);
  }

  /** Whether the event was raised and not cleared since; masked or not. */
  export function isPending(port: u32): bool {
    const word = load64(sharedInfo() + SHARED_INFO_EVTCHN_PENDING + (port / 64) * 8);
    return ((word >> (port % 64)) & 1) != 0;
  }

  /** Clears the pending bit; returns whether it was set. Until then Xen does not raise the event again. */
  export function clear(port: u32): bool {
    return clear_bit(sharedInfo() + SHARED_INFO_EVTCHN_PENDING, port) != 0;
  }

  /** A masked port becomes pending without an upcall. */
  export function mask(port: u32): void {
    set_bit(sharedInfo() + SHARED_INFO_EVTCHN_MASK, port);
  }

  /** By hypercall, since an event that became pending under the mask must raise its upcall now. */
  export function unmask(port: u32): i64 {
    return portOp(EVTCHNOP_unmask, port);
  }

  /**
   * The lowest unmasked pending port, its bit cleared; 0 (which is no port) if there is none.
   *
   * The order is what makes block() safe: first the upcall flag and the selector, then the words. An
   * event that arrives after the words were read sets the flag again, and block() sees it.
   */
  export function scan(): u32 {
    const page = sharedInfo();
    take_upcall();
    let selector = exchange64(page + VCPU_INFO_EVTCHN_PENDING_SEL, 0) | unscanned;
    while (selector != 0) {
      const index = <u32>ctz(selector);
      const pending = load64(page + SHARED_INFO_EVTCHN_PENDING + index * 8);
      const masked = load64(page + SHARED_INFO_EVTCHN_MASK + index * 8);
      const ready = pending & ~masked;
      if (ready != 0) {
        const port = index * 64 + <u32>ctz(ready);
        clear(port);
        unscanned = selector;
        return port;
      }
      selector &= selector - 1;
    }
    unscanned = 0;
    return 0;
  }
}

/** Words of evtchn_pending that a scan() which found a port has still to look at. */
let unscanned: u64 = 0;
