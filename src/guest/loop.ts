// The event loop: what runs after the program's last statement, for as long as a timer is set or a port has a
// handler. In each turn the events that came are handled, then the timers that are due run; then the vCPU sleeps
// in Xen until the next of either.
//
// Two ways to sleep, both without a race: whatever arrives after the last look ends the sleep.
//
//   SCHEDOP_poll   on the ports, at most 128, the deadline its timeout. Xen looks at their pending bits itself,
//                  after it has entered the vCPU as polling.
//   sti; hlt       after interrupts off and a look at all pending bits. An event that arrives after the look
//                  leaves its upcall to be delivered, and a vCPU with such an upcall does not stay halted.
//                  Interrupts are taken only behind the instruction that follows sti, so none comes between the
//                  two. The deadline is the singleshot timer's, whose VIRQ the loop has to own.
//
// A poll costs Xen a copy from guest memory for each port, a halt the same for any number: from three ports on the
// loop halts, unless VIRQ_TIMER is somebody else's. Beyond 128 only halting is right: SCHEDOP_poll would lose an
// event whose port is not in its list, since that one's pending bit is set already, and Xen wakes a poller only
// when a bit is being set (evtchn_check_pollers, xen/common/event_channel.c).

import { checked, sched_op } from "./hypercall";
import { interrupts_off, interrupts_on, interrupts_on_and_halt } from "./intrinsics";
import { SCHEDOP_poll, sched_poll } from "./abi/sched";
import { EEXIST } from "./errno";
import { VIRQ_TIMER } from "./abi/xen";
import { evtchn } from "./evtchn";
import { handledPorts, runEventHandler, setTimerPort, timerPort } from "./loop-events";
import { nextDeadline, runDueTimers, timerCount } from "./loop-timers";
import { onEnd } from "./runtime";
import { POLL_MAX_PORTS } from "./sched";
import { systemTime } from "./time";
import { timer } from "./timer";

/** Up to here a poll is cheaper than a halt: bench/guests/loop.ts. */
const POLLED_PORTS = 2;

/** Events handled in one turn, at most: timers shall not wait for a storm of events to end. */
const EVENTS_PER_TURN = 1024;

@lazy const pollArgument = changetype<sched_poll>(memory.data(offsetof<sched_poll>(), 8));
@lazy const pollPorts: usize = memory.data(POLL_MAX_PORTS * sizeof<u32>(), 8);

let running = false;

/** Lets the loop run after the program's last statement. A program that never calls this is not linked with one. */
export function useLoop(): void {
  onEnd(runLoop);
}

/**
 * Runs the event loop now, until no timer is set and no port has a handler. It does so by itself after the
 * program's last statement; not to be called from a callback.
 */
export function runLoop(): void {
  assert(!running, "runLoop() inside a callback of the event loop");
  running = true;
  while (true) {
    const moreEvents = handleEvents();
    /* The clock may cost an exit to Xen: read once a turn. A deadline that passes meanwhile ends the sleep at once. */
    const now = timerCount() > 0 ? systemTime() : 0;
    runDueTimers(now);
    if (timerCount() == 0 && handledPorts().length == 0) break;
    if (!moreEvents && nextDeadline() > now) sleep();
  }
  running = false;
}

/** Returns whether there may be more of them. */
function handleEvents(): bool {
  for (let handled = 0; handled < EVENTS_PER_TURN; handled++) {
    const port = evtchn.scan();
    if (port == 0) return false;
    runEventHandler(port);
  }
  return true;
}

function sleep(): void {
  const ports = handledPorts().length;
  if (ports <= POLLED_PORTS || (!ownsTimer() && ports <= POLL_MAX_PORTS)) poll(nextDeadline());
  else halt(nextDeadline());
}

function poll(deadline: u64): void {
  const ports = handledPorts();
  let count = 0;
  for (let i = 0; i < ports.length; i++) {
    const port = unchecked(ports[i]);
    /* Xen would wake us for a pending port that is masked as well, over and over. */
    if (evtchn.isMasked(port)) continue;
    store<u32>(pollPorts + count++ * sizeof<u32>(), port);
  }
  pollArgument.ports = pollPorts;
  pollArgument.nr_ports = count;
  pollArgument.timeout = deadline == u64.MAX_VALUE ? 0 : deadline;
  checked("SCHEDOP_poll", sched_op(SCHEDOP_poll, changetype<usize>(pollArgument)));
}

function halt(deadline: u64): void {
  assert(ownsTimer(), "for more than 128 ports the event loop needs VIRQ_TIMER, and it is bound already");
  if (deadline == u64.MAX_VALUE) timer.stop();
  else checked("VCPUOP_set_singleshot_timer", timer.set(deadline));
  interrupts_off();
  const port = evtchn.scan();
  if (port == 0) interrupts_on_and_halt();
  else interrupts_on();
  runEventHandler(port);
}

/** Binds VIRQ_TIMER, unless somebody else has it. */
function ownsTimer(): bool {
  if (timerPort != 0) return true;
  const port = evtchn.bindVirq(VIRQ_TIMER);
  if (port == -EEXIST) return false;
  checked("EVTCHNOP_bind_virq(VIRQ_TIMER)", port);
  checked("EVTCHNOP_unmask of VIRQ_TIMER", evtchn.unmask(<u32>port));
  setTimerPort(<u32>port);
  return true;
}
