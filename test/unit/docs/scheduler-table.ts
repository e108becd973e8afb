// What docs/scheduler.md says of each operation, and the tests that show it. The tests' names are the link: the
// test beside this file fails when one is not there, and when a test of the scheduler is in no row.

export interface Answer {
  /** What Xen returns, or what becomes of the domain. */
  answer: string;
  when: string;
  /** `group › test` of test/guest/sched-*.ts and test/boot/*.test.ts; a group alone stands for all of its tests. */
  tests: string[];
  /** Those of `xenlet conform --suite sched`, on any Xen; none where the answer is the runtime's and not Xen's. */
  checks: string[];
}

export interface Operation {
  name: string;
  /** How a guest calls it. */
  call: string;
  argument: string;
  answers: Answer[];
}

const FAULT = "the argument cannot be read";

export const OPERATIONS: Operation[] = [
  {
    name: "SCHEDOP_yield (0)",
    call: "`sched.yield()`",
    argument: "ignored",
    answers: [
      {
        answer: "0",
        when: "always",
        tests: ["yield › is 0, a thousand times", "yield › does not look at its argument"],
        checks: ["sched/yield", "sched/yield-argument"],
      },
      {
        answer: "0",
        when: "another vCPU waits for the CPU: it runs first",
        tests: ["yield, two vCPUs on one CPU"],
        checks: ["sched/yield-to-another"],
      },
    ],
  },
  {
    name: "SCHEDOP_block (1)",
    call: "`sched.block()`",
    argument: "ignored",
    answers: [
      {
        answer: "0, at once",
        when: "interrupts are on and an upcall can be delivered",
        tests: ["block › returns 0 at once while an upcall can be delivered"],
        checks: ["sched/block-at-once"],
      },
      {
        answer: "0, after a sleep",
        when: "an unmasked event has arrived",
        tests: [
          "block › sleeps until an event comes, and then returns 0",
          "block › is one sleep, not a loop: nothing but the event ends it",
          "block › does not look at its argument",
          "control: an event that comes later ends the same block",
        ],
        checks: ["sched/block-until-event", "sched/block-argument"],
      },
      {
        answer: "never",
        when: "interrupts are off and an event is pending already",
        tests: ["with an event pending, block with interrupts off sleeps for ever"],
        checks: ["sched/block-interrupts-off"],
      },
      {
        answer: "evtchn_upcall_mask = 0",
        when: "whatever its value was; Xen ignores it for PVH",
        tests: ["block › writes evtchn_upcall_mask, set to 1, back to 0, and wakes all the same"],
        checks: ["sched/block-clears-mask"],
      },
      {
        answer: "0, without the hypercall",
        when: "`sched.block()`, and an upcall arrived since the last scan",
        tests: [
          "block › is not issued by sched.block() if an upcall came since the last scan",
          "with hypercalls by %s › 10,000 wake-ups, none lost",
          "with hypercalls by %s › the control: the bare hypercall sleeps through one",
        ],
        checks: [],
      },
    ],
  },
  {
    name: "SCHEDOP_shutdown (2)",
    call: "`sched.shutdown(reason)`",
    argument: "`{ u32 reason @0 }`, 4 bytes",
    answers: [
      {
        answer: "the domain ends",
        when: "with the lowest byte of the reason, whether or not it is a known reason",
        tests: ["shutdown, the reason that Xen reports"],
        checks: ["sched/shutdown-reason"],
      },
      {
        answer: "-EFAULT",
        when: FAULT,
        tests: ["shutdown › a bad address is -EFAULT, and the domain lives"],
        checks: ["sched/shutdown-bad-address"],
      },
    ],
  },
  {
    name: "SCHEDOP_poll (3)",
    call: "`sched.poll(ports, deadline)`",
    argument: "`{ u64 ports @0, u32 nr_ports @8, u64 timeout @16 }`, 24 bytes; `ports`: u32 each",
    answers: [
      {
        answer: "0, at once",
        when: "an upcall can be delivered (interrupts are on): checked before any port",
        tests: ["poll, an upcall can be delivered"],
        checks: ["sched/poll-upcall-first"],
      },
      {
        answer: "0 (EVENT)",
        when: "a port is pending, masked or not",
        tests: [
          "poll, a port is pending › returns EVENT at once and leaves the bit set",
          "poll, a port is pending › masked or not",
          "poll, a port is pending › the second of two",
          "poll, a port is pending › the last of 128",
        ],
        checks: ["sched/poll-pending", "sched/poll-second-pending", "sched/poll-last-of-128"],
      },
      {
        answer: "0 (EVENT)",
        when: "a port becomes pending",
        tests: [
          "poll, an event while it sleeps › on its port: EVENT, before the deadline",
          "poll, an event while it sleeps › on the last of 128 ports: EVENT, without a deadline",
        ],
        checks: ["sched/poll-event", "sched/poll-event-of-128"],
      },
      {
        answer: "0 (DEADLINE)",
        when: "system time has reached `timeout`; 0 means no deadline",
        tests: [
          "poll, the deadline › with no port, not before it",
          "poll, the deadline › with 1, 2 and 128 ports, not before it",
          "poll, the deadline › in the past: at once",
          "poll, the deadline › of a later poll replaces an earlier one's",
        ],
        checks: ["sched/poll-deadline", "sched/poll-past-deadline", "sched/poll-deadline-replaced"],
      },
      {
        answer: "0 (SPURIOUS)",
        when: "another event: unmasked, or also masked unless exactly one port is polled",
        tests: [
          "poll, an event while it sleeps › masked and elsewhere does not end a poll of one port",
          "poll, an event while it sleeps › masked and elsewhere ends a poll of two ports, and of none: SPURIOUS",
          "poll, an event while it sleeps › unmasked and elsewhere ends a poll of one port: SPURIOUS",
          "poll, an event while it sleeps › is none if its port is pending already",
        ],
        checks: [
          "sched/poll-masked-elsewhere",
          "sched/poll-masked-elsewhere-two",
          "sched/poll-masked-elsewhere-none",
          "sched/poll-unmasked-elsewhere",
          "sched/poll-pending-elsewhere",
        ],
      },
      {
        answer: "0 (SPURIOUS)",
        when: "the timer of an earlier poll: an event does not stop it",
        tests: [
          "poll, the deadline › of an earlier poll that an event ended wakes a later one: SPURIOUS",
        ],
        checks: ["sched/poll-earlier-deadline"],
      },
      {
        answer: "-EINVAL",
        when: "more than 128 ports",
        tests: ["poll, a port is pending › 129 ports are -EINVAL all the same"],
        checks: ["sched/poll-129-ports"],
      },
      {
        answer: "-EINVAL",
        when: "an invalid port, unless one before it is pending",
        tests: ["poll, an invalid port"],
        checks: [
          "sched/poll-invalid-port",
          "sched/poll-invalid-after-pending",
          "sched/poll-unusable-port",
        ],
      },
      {
        answer: "-EFAULT",
        when: "the argument or the ports cannot be read",
        tests: ["poll, bad addresses"],
        checks: ["sched/poll-bad-address", "sched/poll-bad-ports-address"],
      },
    ],
  },
  {
    name: "SCHEDOP_remote_shutdown (4)",
    call: "`sched.remoteShutdown(domid, reason)`",
    argument: "`{ u16 domain_id @0, u32 reason @4 }`, 8 bytes",
    answers: [
      {
        answer: "0, the domain ends",
        when: "from dom0, with the lowest byte of the reason; a latched code takes precedence",
        tests: ["remote_shutdown"],
        checks: ["sched/remote-shutdown", "sched/remote-shutdown-latched"],
      },
      {
        answer: "-ESRCH",
        when: "no such domain, or DOMID_SELF: checked before the permission",
        tests: [
          "remote_shutdown › a domain that does not exist is -ESRCH",
          "remote_shutdown › DOMID_SELF is -ESRCH, and the domain lives",
        ],
        checks: ["sched/remote-shutdown-no-domain", "sched/remote-shutdown-self"],
      },
      {
        answer: "-EPERM",
        when: "from a domU, for any domain that exists, itself included",
        tests: ["remote_shutdown › from a domU, dom0 is -EPERM, and so is itself"],
        checks: ["sched/remote-shutdown-refused"],
      },
      {
        answer: "-EFAULT",
        when: FAULT,
        tests: ["remote_shutdown › a bad address is -EFAULT"],
        checks: ["sched/remote-shutdown-bad-address"],
      },
    ],
  },
  {
    name: "SCHEDOP_shutdown_code (5)",
    call: "`sched.shutdownCode(reason)`",
    argument: "`{ u32 reason @0 }`, 4 bytes",
    answers: [
      {
        answer: "0",
        when: "always; the lowest byte of the first reason is the one that the domain will end with",
        tests: ["shutdown_code"],
        checks: [
          "sched/shutdown-code-first",
          "sched/shutdown-code-lowest-byte",
          "sched/shutdown-code-forgotten",
        ],
      },
      {
        answer: "-EFAULT",
        when: FAULT,
        tests: ["shutdown_code › a bad address is -EFAULT, and latches nothing"],
        checks: ["sched/shutdown-code-bad-address"],
      },
    ],
  },
  {
    name: "SCHEDOP_watchdog (6)",
    call: "`Watchdog`, `watchdogOp(id, seconds)`",
    argument: "`{ u32 id @0, u32 timeout @4 }`, 8 bytes; `timeout` in seconds",
    answers: [
      {
        answer: "1 or 2",
        when: "id 0: arms the lowest free timer",
        tests: [
          "watchdog › the first is 1, the second 2, a third -ENOSPC",
          "watchdog › a destroyed id is given again",
        ],
        checks: ["sched/watchdog-ids", "sched/watchdog-given-again"],
      },
      {
        answer: "4294967268",
        when: "id 0 and both are in use: -ENOSPC, truncated to 32 bits; `watchdogOp()` sign-extends it",
        tests: ["watchdog › -ENOSPC comes from Xen as a 32-bit number, which watchdogOp() widens"],
        checks: ["sched/watchdog-full"],
      },
      {
        answer: "0",
        when: "an id in use: rearmed, or destroyed if the timeout is 0",
        tests: [
          "watchdog › poked and destroyed: 0; destroyed twice, or poked after that: -EINVAL",
          "watchdog › destroyed, it does not fire; poked, it starts anew",
        ],
        checks: ["sched/watchdog-poked"],
      },
      {
        answer: "-EINVAL",
        when: "an id that is not in use or is above 2",
        tests: ["watchdog › an id that never was one is -EINVAL"],
        checks: ["sched/watchdog-not-in-use", "sched/watchdog-no-such-id"],
      },
      {
        answer: "the domain ends, reason 4",
        when: "a timer expires; at once for id 0 with timeout 0; a latched code replaces the reason",
        tests: ["watchdog"],
        checks: [
          "sched/watchdog-expires",
          "sched/watchdog-at-once",
          "sched/watchdog-latched",
          "sched/watchdog-message",
        ],
      },
      {
        answer: "-EFAULT",
        when: FAULT,
        tests: ["watchdog › a bad address is -EFAULT, and arms nothing"],
        checks: ["sched/watchdog-bad-address"],
      },
      {
        answer: "no timer is lost",
        when: "the class `Watchdog`: `Watchdog.armed()` lists every armed timer, even if the program dropped the object",
        tests: ["Watchdog"],
        checks: [],
      },
    ],
  },
  {
    name: "SCHEDOP_pin_override (7)",
    call: "`sched.pinOverride(pcpu)`",
    argument: "`{ s32 pcpu @0 }`, 4 bytes; negative: unpin",
    answers: [
      {
        answer: "0",
        when: "pinned, or unpinned",
        tests: [
          "pin_override › pins, and takes the pin back",
          "pin_override › every negative number takes the pin back",
        ],
        checks: ["sched/pin-override"],
      },
      {
        answer: "-EBUSY",
        when: "already pinned, even to the same CPU",
        tests: ["pin_override › pinned already is -EBUSY, to the same CPU too"],
        checks: ["sched/pin-override-busy"],
      },
      {
        answer: "-EINVAL",
        when: "the CPU is offline or does not exist; or there is no pin to remove",
        tests: [
          "pin_override › a CPU that is not online, or none, is -EINVAL",
          "pin_override, a CPU that exists and is offline",
          "pin_override › nothing to take back is -EINVAL",
        ],
        checks: ["sched/pin-override-no-cpu", "sched/pin-override-nothing"],
      },
      {
        answer: "-EPERM",
        when: "not the hardware domain: checked before the argument is read",
        tests: ["pin_override › from a domU it is -EPERM, before the argument is read"],
        checks: ["sched/pin-override-refused"],
      },
      {
        answer: "-EFAULT",
        when: FAULT,
        tests: ["pin_override › a bad address is -EFAULT"],
        checks: ["sched/pin-override-bad-address"],
      },
    ],
  },
  {
    name: "any other command",
    call: "`sched_op(cmd, arg)`",
    argument: "ignored",
    answers: [
      {
        answer: "-ENOSYS",
        when: "the lowest 32 bits are no valid operation",
        tests: [
          "sched_op › an unknown command is -ENOSYS, whatever its argument",
          "sched_op › the command is an int: Xen looks at 32 bits of it",
        ],
        checks: ["sched/unknown-command", "sched/command-width"],
      },
    ],
  },
  {
    name: "every argument",
    call: "`sched_op(cmd, arg)`",
    argument: "a guest virtual address",
    answers: [
      {
        answer: "read",
        when: "anywhere in memory that the guest can read, at any alignment",
        tests: [
          "sched_op › an argument in static memory, on the heap, in an object, in an array or in a shared frame is read",
          "sched_op › an argument at any alignment, and up to the last byte of memory, is read",
        ],
        checks: ["sched/argument-anywhere"],
      },
      {
        answer: "-EFAULT",
        when: "a byte of it is not mapped, or the address is non-canonical",
        tests: [
          "sched_op › an argument that ends behind memory, at null, beyond memory or outside the address space is -EFAULT",
        ],
        checks: ["sched/argument-behind-memory", "sched/argument-not-canonical"],
      },
    ],
  },
  {
    name: "sched_op_compat (hypercall 6)",
    call: "`hypercall2(6, cmd, arg)`",
    argument: "a number: 0, or the reason itself for shutdown",
    answers: [
      {
        answer: "-ENOSYS",
        when: "always: PV only",
        tests: ["sched_op_compat"],
        checks: ["sched/compat"],
      },
    ],
  },
];
