// @xenlet timeout=120 test-timeout=100
// The FIFO event channel ABI on a real Xen: queues by priority, ports beyond the 2-level ABI's, and the way back.
// Fails if an event is lost where Xen and the guest meet on a queue, if the order is not by priority and then by
// time, or if masks or pending events do not come along from one ABI to the other.

import { evtchn, sched, systemTime, timer, VIRQ_TIMER } from "xenlet";
import { expect, group, test } from "xenlet/test";
import {
  evtchn_expand_array,
  evtchn_init_control,
  EVTCHNOP_expand_array,
  EVTCHNOP_init_control,
} from "xenlet/raw/abi/event_channel";
import { EINVAL, ENOENT, ENOSYS, EOPNOTSUPP } from "xenlet/raw/errno";
import { event_channel_op } from "xenlet/raw/hypercall";
import { frame_of, shared_alloc } from "xenlet/raw/memory";

const MANY: u32 = 4500;
const argument: usize = memory.data(offsetof<evtchn_init_control>(), 8);

let a: u32 = 0;
let b: u32 = 0;
let c: u32 = 0;

function initControl(gfn: u64, offset: u32, vcpu: u32): i64 {
  const control = changetype<evtchn_init_control>(argument);
  control.control_gfn = gfn;
  control.offset = offset;
  control.vcpu = vcpu;
  return event_channel_op(EVTCHNOP_init_control, argument);
}

function expandArray(gfn: u64): i64 {
  changetype<evtchn_expand_array>(argument).array_gfn = gfn;
  return event_channel_op(EVTCHNOP_expand_array, argument);
}

function unmasked(): u32 {
  const port = <u32>evtchn.bindIpi();
  evtchn.unmask(port);
  return port;
}

group("Xen refuses, and the domain stays with 2-level", () => {
  test("a control block that cannot be", () => {
    const frame = frame_of(shared_alloc(1));
    expect(initControl(frame, 0, 9)).toBe(-ENOENT);
    expect(initControl(frame, 4096 - 64, 0)).toBe(-EINVAL);
    expect(initControl(frame, 4, 0)).toBe(-EINVAL);
    expect(initControl(0xfffffff, 0, 0)).toBe(-EINVAL);
    expect(evtchn.setPriority(<u32>evtchn.bindIpi(), 0)).toBe(-ENOSYS);
  });

  test("an event array before the control block", () => {
    expect(expandArray(frame_of(shared_alloc(1)))).toBe(-EOPNOTSUPP);
  });
});

group("from 2-level to FIFO", () => {
  test("what is bound stays bound; masks and pending events come along", () => {
    a = unmasked();
    b = <u32>evtchn.bindIpi();
    c = unmasked();
    evtchn.send(a);
    evtchn.send(b);
    expect(evtchn.useFifo()).toBe(0);
    expect(evtchn.isFifo()).toBeTrue();
    expect(evtchn.portLimit()).toBe(131072);
    expect(evtchn.isMasked(a)).toBeFalse();
    expect(evtchn.isMasked(b)).toBeTrue();
    expect(evtchn.isMasked(c)).toBeFalse();
    expect(evtchn.scan()).toBe(a);
    expect(evtchn.scan()).toBe(0);
    expect(evtchn.isPending(b)).toBeTrue();
    evtchn.unmask(b);
    expect(evtchn.scan()).toBe(b);
  });

  test("once", () => {
    expect(evtchn.useFifo()).toBe(-EINVAL);
    expect(evtchn.isFifo()).toBeTrue();
  });
});

group("queues", () => {
  test("in the order in which they were raised", () => {
    evtchn.send(c);
    evtchn.send(a);
    evtchn.send(b);
    evtchn.send(c);
    expect(evtchn.scan()).toBe(c);
    expect(evtchn.scan()).toBe(a);
    expect(evtchn.scan()).toBe(b);
    expect(evtchn.scan()).toBe(0);
  });

  test("by priority, 0 first, 15 last", () => {
    expect(evtchn.setPriority(a, 15)).toBe(0);
    expect(evtchn.setPriority(c, 0)).toBe(0);
    evtchn.send(a);
    evtchn.send(b);
    evtchn.send(c);
    expect(evtchn.scan()).toBe(c);
    expect(evtchn.scan()).toBe(b);
    expect(evtchn.scan()).toBe(a);
    expect(evtchn.scan()).toBe(0);
    expect(evtchn.setPriority(a, 16)).toBe(-EINVAL);
    expect(evtchn.setPriority(131071, 3)).toBe(-EINVAL);
  });

  test("masked while it is queued, it is passed over and comes when it may", () => {
    evtchn.send(a);
    evtchn.send(b);
    evtchn.mask(b);
    expect(evtchn.scan()).toBe(a);
    expect(evtchn.scan()).toBe(0);
    evtchn.unmask(b);
    expect(evtchn.scan()).toBe(b);
  });

  test("poll and block are woken by it", () => {
    const port = <u32>evtchn.bindVirq(VIRQ_TIMER);
    evtchn.unmask(port);
    timer.set(systemTime() + 3_000_000);
    expect(sched.poll([port])).toBe(1);
    expect(evtchn.scan()).toBe(port);
    timer.set(systemTime() + 3_000_000);
    while (evtchn.scan() == 0) sched.block();
    evtchn.close(port);
  });

  test("a timer's event meets the guest on the queue, thousands of times", () => {
    const port = <u32>evtchn.bindVirq(VIRQ_TIMER);
    evtchn.unmask(port);
    const rounds: u32 = 1500;
    let timers: u32 = 0;
    let sent: u32 = 0;
    let found: u32 = 0;
    for (let round: u32 = 0; round < rounds; round++) {
      timer.set(systemTime() + <u64>(round % 200) * 300);
      let came = false;
      while (!came) {
        evtchn.send(b);
        sent++;
        let next: u32 = 0;
        let own = false;
        while ((next = evtchn.scan()) != 0) {
          if (next == port) came = true;
          else if (next == b) own = true;
        }
        if (own) found++;
        if (!came) sched.block();
        while ((next = evtchn.scan()) != 0) if (next == port) came = true;
      }
      timers++;
    }
    expect(timers).toBe(rounds);
    expect(found).toBe(sent);
    evtchn.close(port);
  });
});

group("ports beyond 2-level's", () => {
  test("each has a word, is masked, and is found", () => {
    let last: u32 = 0;
    let result: i64 = 0;
    while (last < MANY && (result = evtchn.bindIpi()) > 0) last = <u32>result;
    expect(last).toBe(MANY);
    let masked: u32 = 0;
    for (let port: u32 = 4096; port <= MANY; port++) masked += u32(evtchn.isMasked(port));
    expect(masked).toBe(MANY - 4095);
    for (let port: u32 = 4096; port <= MANY; port++) {
      assert(evtchn.unmask(port) == 0);
      assert(evtchn.send(port) == 0);
    }
    let inOrder = true;
    for (let port: u32 = 4096; port <= MANY; port++) if (evtchn.scan() != port) inOrder = false;
    expect(inOrder).toBeTrue();
    expect(evtchn.scan()).toBe(0);
  });
});

group("reset", () => {
  test("is back at 2-level, with nothing bound", () => {
    evtchn.send(c);
    expect(evtchn.reset()).toBe(0);
    expect(evtchn.isFifo()).toBeFalse();
    expect(evtchn.scan()).toBe(0);
    a = unmasked();
    expect(a).toBe(1);
    evtchn.send(a);
    expect(evtchn.scan()).toBe(a);
    expect(evtchn.setPriority(a, 1)).toBe(-ENOSYS);
  });

  test("and FIFO can be had again", () => {
    evtchn.send(a);
    expect(evtchn.useFifo()).toBe(0);
    expect(evtchn.scan()).toBe(a);
    expect(evtchn.setPriority(a, 1)).toBe(0);
  });
});
