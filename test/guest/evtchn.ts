// Event channels, each operation with its true answers, by the 2-level ABI that every domain starts with.
// A port raised is a port found; who is not asked for is not found. Fails if an answer of Xen's is taken for
// another, or if the runtime's view of pending and masked is not Xen's.

import { DOMID_SELF, VIRQ_DEBUG, VIRQ_TIMER, evtchn, systemTime, timer } from "xenlet";
import {
  EVTCHNSTAT_closed,
  EVTCHNSTAT_interdomain,
  EVTCHNSTAT_ipi,
  EVTCHNSTAT_unbound,
  EVTCHNSTAT_virq,
} from "xenlet/raw/abi/event_channel";
import { EEXIST, EINVAL, ENOENT, ENOSYS, ESRCH } from "xenlet/raw/errno";
import { expect, group, needs, test } from "xenlet/test";

const NO_DOMAIN: u16 = 77;
const NO_PORT: u32 = 4096;

let port: u32 = 0;
let peer: u32 = 0;

test("an unbound port takes events and drops them", () => {
  port = <u32>evtchn.allocUnbound(DOMID_SELF);
  expect(port).toBeGreaterThan(0);
  expect(evtchn.isMasked(port)).toBeTrue();
  const status = evtchn.status(port);
  expect(status.result).toBe(0);
  expect(status.state).toBe(EVTCHNSTAT_unbound);
  expect(status.vcpu).toBe(0);
  expect(evtchn.send(port)).toBe(0);
  expect(evtchn.isPending(port)).toBeFalse();
});

group(
  "interdomain, a domain to itself",
  () => {
    test("the end that binds is pending at once", () => {
      peer = <u32>evtchn.bindInterdomain(DOMID_SELF, port);
      expect(peer).not.toBe(port);
      expect(evtchn.isPending(peer)).toBeTrue();
      expect(evtchn.isPending(port)).toBeFalse();
      expect(evtchn.clear(peer)).toBeTrue();
      expect(evtchn.clear(peer)).toBeFalse();
    });

    test("both ends know each other", () => {
      expect(evtchn.status(port).state).toBe(EVTCHNSTAT_interdomain);
      expect(evtchn.status(port).remotePort).toBe(peer);
      expect(evtchn.status(peer).state).toBe(EVTCHNSTAT_interdomain);
      expect(evtchn.status(peer).remotePort).toBe(port);
    });

    test("what is sent at one end arrives at the other, masked, and by scan() once it is not", () => {
      expect(evtchn.send(port)).toBe(0);
      expect(evtchn.isPending(peer)).toBeTrue();
      expect(evtchn.isPending(port)).toBeFalse();
      expect(evtchn.scan()).toBe(0);
      expect(evtchn.unmask(peer)).toBe(0);
      expect(evtchn.scan()).toBe(peer);
      expect(evtchn.isPending(peer)).toBeFalse();
      expect(evtchn.scan()).toBe(0);
    });

    test("a port that is bound cannot be bound again", () => {
      expect(evtchn.bindInterdomain(DOMID_SELF, port)).toBe(-EINVAL);
      expect(evtchn.bindInterdomain(DOMID_SELF, NO_PORT)).toBe(-EINVAL);
      expect(evtchn.bindInterdomain(NO_DOMAIN, port)).toBe(-ESRCH);
    });

    test("closing one end leaves the other unbound", () => {
      expect(evtchn.close(peer)).toBe(0);
      expect(evtchn.status(peer).state).toBe(EVTCHNSTAT_closed);
      expect(evtchn.status(port).state).toBe(EVTCHNSTAT_unbound);
      expect(evtchn.isMasked(peer)).toBeTrue();
      expect(evtchn.close(port)).toBe(0);
    });
  },
  needs("dom0"),
);

group("IPI", () => {
  test("is sent to itself", () => {
    port = <u32>evtchn.bindIpi();
    expect(evtchn.status(port).state).toBe(EVTCHNSTAT_ipi);
    expect(evtchn.unmask(port)).toBe(0);
    expect(evtchn.send(port)).toBe(0);
    expect(evtchn.scan()).toBe(port);
  });

  test("stays on its vCPU", () => {
    expect(evtchn.bindVcpu(port, 0)).toBe(-EINVAL);
    expect(evtchn.bindVcpu(port, 9)).toBe(-ENOENT);
    expect(evtchn.bindIpi(9)).toBe(-ENOENT);
  });

  test("masked, it waits; unmasked, it comes", () => {
    evtchn.mask(port);
    expect(evtchn.isMasked(port)).toBeTrue();
    evtchn.send(port);
    expect(evtchn.scan()).toBe(0);
    expect(evtchn.isPending(port)).toBeTrue();
    expect(evtchn.unmask(port)).toBe(0);
    expect(evtchn.isMasked(port)).toBeFalse();
    expect(evtchn.scan()).toBe(port);
  });

  test("a port is masked again when it comes back", () => {
    evtchn.close(port);
    expect(evtchn.bindIpi()).toBe(port);
    expect(evtchn.isMasked(port)).toBeTrue();
    expect(evtchn.isPending(port)).toBeFalse();
    evtchn.close(port);
  });
});

group("VIRQ", () => {
  test("comes when its timer says so", () => {
    port = <u32>evtchn.bindVirq(VIRQ_TIMER);
    expect(evtchn.status(port).state).toBe(EVTCHNSTAT_virq);
    expect(evtchn.status(port).virq).toBe(VIRQ_TIMER);
    evtchn.clear(port);
    timer.set(systemTime() + 2_000_000_000);
    expect(evtchn.isPending(port)).toBeFalse();
    const due = systemTime() + 2_000_000;
    timer.set(due);
    while (!evtchn.isPending(port)) {}
    expect(systemTime()).toBeGreaterThan(due);
  });

  test("is bound once, to be sent by Xen only", () => {
    expect(evtchn.bindVirq(VIRQ_TIMER)).toBe(-EEXIST);
    expect(evtchn.send(port)).toBe(-EINVAL);
    expect(evtchn.bindVirq(24)).toBe(-EINVAL);
    expect(evtchn.bindVirq(VIRQ_DEBUG, 9)).toBe(-ENOENT);
    expect(evtchn.close(port)).toBe(0);
  });
});

test("a port that is not in use", () => {
  expect(evtchn.send(port)).toBe(-EINVAL);
  expect(evtchn.close(port)).toBe(-EINVAL);
  expect(evtchn.close(0)).toBe(-EINVAL);
  expect(evtchn.status(port).state).toBe(EVTCHNSTAT_closed);
  expect(evtchn.status(NO_PORT).result).toBe(-EINVAL);
  expect(evtchn.unmask(NO_PORT)).toBe(-EINVAL);
  expect(evtchn.send(NO_PORT)).toBe(-EINVAL);
  expect(evtchn.bindVcpu(NO_PORT, 0)).toBe(-EINVAL);
});

test("2-level has no priorities", () => {
  port = <u32>evtchn.bindIpi();
  expect(evtchn.setPriority(port, 0)).toBe(-ENOSYS);
  expect(evtchn.isFifo()).toBeFalse();
  expect(evtchn.portLimit()).toBe(4096);
});

test("reset closes everything, and everything works anew", () => {
  const other = <u32>evtchn.bindIpi();
  evtchn.unmask(port);
  evtchn.send(port);
  expect(evtchn.reset()).toBe(0);
  expect(evtchn.status(port).state).toBe(EVTCHNSTAT_closed);
  expect(evtchn.status(other).state).toBe(EVTCHNSTAT_closed);
  expect(evtchn.scan()).toBe(0);
  const again = <u32>evtchn.bindIpi();
  evtchn.unmask(again);
  evtchn.send(again);
  expect(evtchn.scan()).toBe(again);
});
