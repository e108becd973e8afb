// Event channels: xen/include/public/event_channel.h, xen/common/event_channel.c (4.17). One API above both ABIs
// by which a guest sees its pending events: 2-level (two-level.ts), which every domain starts with, and FIFO
// (fifo.ts).

import { event_channel_op } from "../../raw/hypercall";
import {
  EVTCHNOP_alloc_unbound,
  EVTCHNOP_bind_interdomain,
  EVTCHNOP_bind_ipi,
  EVTCHNOP_bind_vcpu,
  EVTCHNOP_bind_virq,
  EVTCHNOP_close,
  EVTCHNOP_reset,
  EVTCHNOP_send,
  EVTCHNOP_set_priority,
  EVTCHNOP_status,
  EVTCHNOP_unmask,
  evtchn_alloc_unbound,
  evtchn_bind_interdomain,
  evtchn_bind_ipi,
  evtchn_bind_vcpu,
  evtchn_bind_virq,
  evtchn_reset,
  evtchn_set_priority,
  evtchn_status,
} from "../../raw/abi/event_channel";
import { DOMID_SELF } from "../../raw/abi/xen";
import { ContextEventHandler, addEventHandler, removeEventHandler } from "../loop/event-handlers";
import { useLoop } from "../loop/loop";
import { abi, fifoInUse, forgetPorts, startFifo } from "./abi-in-use";
import { isOurs, setOurs } from "./own-ports";
import { argument, portOp } from "./port-op";

/** An operation that binds. */
function bind(cmd: u32): i64 {
  abi();
  return event_channel_op(cmd, argument);
}

/** What a call that binds returns: the port, once the ABI has room for its state, and vCPU `vcpu` can be notified. */
function bound(result: i64, port: u32, vcpu: u32 = 0): i64 {
  if (result < 0) return result;
  let failure = abi().cover(port);
  if (failure == 0) failure = abi().route(port, vcpu);
  if (failure == 0) {
    setOurs(port, true);
    return port;
  }
  portOp(EVTCHNOP_close, port);
  return failure;
}

/** What evtchn.status() says of a port. */
export class PortStatus {
  /** 0, or Xen's negative errno; then the other fields are meaningless. */
  result: i64 = 0;
  /** EVTCHNSTAT_*. */
  state: u32 = 0;
  /** The vCPU that is notified. */
  vcpu: u32 = 0;
  /** interdomain: who is at the other end; unbound: who may bind to it. */
  domain: u16 = 0;
  /** interdomain: the port at the other end. */
  remotePort: u32 = 0;
  /** virq: which. */
  virq: u32 = 0;
}

/**
 * Every call that binds returns the port, or Xen's negative errno; -ENOSPC when the domain has no port left.
 * Ports start out masked.
 */
export namespace evtchn {
  /** A port that domain `remote` (DOMID_SELF: this one) may bind to. */
  export function allocUnbound(remote: u16): i64 {
    const a = changetype<evtchn_alloc_unbound>(argument);
    a.dom = DOMID_SELF;
    a.remote_dom = remote;
    const result = bind(EVTCHNOP_alloc_unbound);
    return bound(result, a.port);
  }

  /**
   * A local port connected to `remotePort` of domain `remote`, which offered it to us. It is pending at once: Xen
   * cannot know what it missed. -EINVAL: no such offer; -ESRCH: no such domain.
   */
  export function bindInterdomain(remote: u16, remotePort: u32): i64 {
    const a = changetype<evtchn_bind_interdomain>(argument);
    a.remote_dom = remote;
    a.remote_port = remotePort;
    const result = bind(EVTCHNOP_bind_interdomain);
    return bound(result, a.local_port);
  }

  /** A port for a VIRQ_* of vCPU `vcpu`. -EEXIST: it is bound already; -EINVAL: no such VIRQ; -ENOENT: no such vCPU. */
  export function bindVirq(virq: u32, vcpu: u32 = 0): i64 {
    const a = changetype<evtchn_bind_virq>(argument);
    a.virq = virq;
    a.vcpu = vcpu;
    const result = bind(EVTCHNOP_bind_virq);
    return bound(result, a.port, vcpu);
  }

  /** A port by which this domain notifies its own vCPU `vcpu`. -ENOENT: no such vCPU. */
  export function bindIpi(vcpu: u32 = 0): i64 {
    const a = changetype<evtchn_bind_ipi>(argument);
    a.vcpu = vcpu;
    const result = bind(EVTCHNOP_bind_ipi);
    return bound(result, a.port, vcpu);
  }

  /**
   * Lets vCPU `vcpu` be notified from now on: scan() passes the port over, and that vCPU's program takes it. -EINVAL for an
   * IPI and a VIRQ of one vCPU: those stay.
   */
  export function bindVcpu(port: u32, vcpu: u32): i64 {
    const a = changetype<evtchn_bind_vcpu>(argument);
    a.port = port;
    a.vcpu = vcpu;
    const result = event_channel_op(EVTCHNOP_bind_vcpu, argument);
    return result == 0 ? abi().route(port, vcpu) : result;
  }

  /**
   * Raises the event at the port's other end, which for an IPI is the port itself. Returns 0, even if no peer has
   * bound the other end yet; -EINVAL for a port that is free or a VIRQ's.
   */
  export function send(port: u32): i64 {
    return portOp(EVTCHNOP_send, port);
  }

  /** Gives the port back, its handler forgotten. An interdomain port's other end becomes unbound. -EINVAL: it is free. */
  export function close(port: u32): i64 {
    /* Xen leaves the mask bit alone, and the next owner shall find the port masked. */
    abi().mask(port);
    const result = portOp(EVTCHNOP_close, port);
    if (result == 0) wasClosed(port);
    return result;
  }

  /** The port was closed by a hypercall of the caller's own: masks and forgets it, as close() does. */
  export function wasClosed(port: u32): void {
    abi().mask(port);
    setOurs(port, false);
    removeEventHandler(port);
  }

  /**
   * The port was bound by a hypercall of the caller's own: makes room for its state, as the calls above do. Returns the
   * port; -ENOMEM, and then it is closed.
   */
  export function wasBound(port: u32): i64 {
    return bound(0, port);
  }

  /** What Xen knows about a port of this domain. -EINVAL: no such port has ever been in use. */
  export function status(port: u32): PortStatus {
    const a = changetype<evtchn_status>(argument);
    a.dom = DOMID_SELF;
    a.port = port;
    a.u = 0;
    const status = new PortStatus();
    status.result = event_channel_op(EVTCHNOP_status, argument);
    status.state = a.status;
    status.vcpu = a.vcpu;
    status.domain = <u16>a.u;
    status.remotePort = <u32>(a.u >> 32);
    status.virq = <u32>a.u;
    return status;
  }

  /** Whether the event was raised and not cleared since; masked or not. */
  export function isPending(port: u32): bool {
    return abi().isPending(port);
  }

  /** Whether the port is masked: Xen marks its event as pending and does not call the guest for it. */
  export function isMasked(port: u32): bool {
    return abi().isMasked(port);
  }

  /** The address of the 32-bit word that has the port's pending bit, and which bit of it: for VcpuProgram.await(). */
  export function pendingWord(port: u32): usize {
    return abi().pendingWord(port);
  }

  /** The number, 0 to 31, of the port's bit in pendingWord(). */
  export function pendingBit(port: u32): u32 {
    return abi().pendingBit(port);
  }

  /** Clears the pending bit; returns whether it was set. Until then Xen does not raise the event again. */
  export function clear(port: u32): bool {
    return abi().clear(port);
  }

  /** A masked port becomes pending without an upcall. */
  export function mask(port: u32): void {
    abi().mask(port);
  }

  /**
   * An event that became pending under the mask raises its upcall now: by hypercall, which takes a mask bit that is
   * still set. Where nothing is pending, and the port is known to be in use, the bit is all that there is to it. -EINVAL
   * for a port that is not in use.
   */
  export function unmask(port: u32): i64 {
    const inUse = abi();
    if (isOurs(port) && inUse.unmaskIdle(port)) return 0;
    return portOp(EVTCHNOP_unmask, port);
  }

  /**
   * The next unmasked pending port, its pending bit cleared; 0 (not a port) if there is none. 2-level: each
   * in its turn, by number; FIFO: highest priority first, then as they came. Call it until it returns 0 before
   * block(): that sleeps only if no event arrived since.
   */
  export function scan(): u32 {
    return abi().scan();
  }

  /**
   * Calls `fn` with `context` and the port whenever the event is raised, from the event loop that runs after the
   * program's last statement, and unmasks the port. The loop keeps running as long as a port has a handler. Returns
   * 0; -EINVAL for a port that is not in use.
   */
  export function on<T>(port: u32, context: T, fn: (context: T, port: u32) => void): i64 {
    const result = unmask(port);
    if (result < 0) return result;
    addEventHandler(port, new ContextEventHandler<T>(context, fn));
    useLoop();
    return 0;
  }

  /** Forgets the port's handler and masks the port; it stays bound. */
  export function off(port: u32): void {
    mask(port);
    removeEventHandler(port);
  }

  /** Whether the FIFO ABI is in use. */
  export function isFifo(): bool {
    return fifoInUse();
  }

  /** How many port numbers the ABI in use has, including 0, which is not a port: 4096, or 131072. */
  export function portLimit(): u32 {
    return abi().ports;
  }

  /**
   * Switches to the FIFO ABI: more ports, and priorities. What is bound stays so, to whichever vCPU. Returns 0; -EINVAL
   * when it is in use already; -ENOMEM.
   */
  export function useFifo(): i64 {
    return startFifo();
  }

  /** FIFO only, else -ENOSYS: from EVTCHN_FIFO_PRIORITY_MAX (0, first) to _MIN (15). Holds from the next event on. */
  export function setPriority(port: u32, priority: u32): i64 {
    const a = changetype<evtchn_set_priority>(argument);
    a.port = port;
    a.priority = priority;
    return event_channel_op(EVTCHNOP_set_priority, argument);
  }

  /**
   * EVTCHNOP_reset: closes every port of this domain, forgets every handler, and is back at the 2-level ABI.
   * -EAGAIN: a port could not be closed.
   */
  export function reset(): i64 {
    changetype<evtchn_reset>(argument).dom = DOMID_SELF;
    const result = event_channel_op(EVTCHNOP_reset, argument);
    if (result < 0) return result;
    forgetPorts();
    return 0;
  }
}
