// What AssemblyScript cannot say itself. Each is one or a few instructions, inlined where it is called:
// runtime/wasm/intrinsics.h, whose list of names this is. In unit tests a fake hypervisor stands behind them.

/** A hypercall with one argument. `op` is a __HYPERVISOR_* number (xen.h); the result is Xen's own. */
@external("xen", "hypercall1") export declare function hypercall1(op: u32, a1: u64): i64;
/** A hypercall with two arguments, otherwise as hypercall1(). */
@external("xen", "hypercall2") export declare function hypercall2(op: u32, a1: u64, a2: u64): i64;
/** A hypercall with three arguments, otherwise as hypercall1(). */
@external("xen", "hypercall3") export declare function hypercall3(op: u32, a1: u64, a2: u64, a3: u64): i64;
/** A hypercall with four arguments, otherwise as hypercall1(). */
@external("xen", "hypercall4") export declare function hypercall4(
  op: u32,
  a1: u64,
  a2: u64,
  a3: u64,
  a4: u64,
): i64;
/** A hypercall with five arguments, otherwise as hypercall1(). */
@external("xen", "hypercall5") export declare function hypercall5(
  op: u32,
  a1: u64,
  a2: u64,
  a3: u64,
  a4: u64,
  a5: u64,
): i64;

/** One read of shared memory, at that width; never merged, repeated or dropped. */
@external("xen", "load8") export declare function load8(address: usize): u32;
/** One read of 32 bits of shared memory, aligned. */
@external("xen", "load32") export declare function load32(address: usize): u32;
/** One read of 64 bits of shared memory, aligned. */
@external("xen", "load64") export declare function load64(address: usize): u64;
/** One write of shared memory, at that width. */
@external("xen", "store8") export declare function store8(address: usize, value: u32): void;
/** One write of 32 bits of shared memory, aligned. */
@external("xen", "store32") export declare function store32(address: usize, value: u32): void;
/** One write of 64 bits of shared memory, aligned. */
@external("xen", "store64") export declare function store64(address: usize, value: u64): void;
/** Copies bytes to or from shared memory, in any order and width. memory.copy() traps there: it knows linear memory only. */
@external("xen", "shared_copy") export declare function shared_copy(to: usize, from: usize, size: u32): void;
/** Clears bytes of shared memory. */
@external("xen", "shared_clear") export declare function shared_clear(at: usize, size: u32): void;
/** Atomically exchanges a 64-bit word of shared memory; returns the old value. */
@external("xen", "exchange64") export declare function exchange64(address: usize, value: u64): u64;
/** Atomically writes `value` if the word is `expected`; returns what it was. */
@external("xen", "compare_exchange32")
export declare function compare_exchange32(address: usize, expected: u32, value: u32): u32;
/** Atomically sets bit `bit` of the bit map at `address` (8-byte aligned); returns its old value. */
@external("xen", "set_bit") export declare function set_bit(address: usize, bit: u32): u32;
/** Atomically clears that bit; returns its old value. */
@external("xen", "clear_bit") export declare function clear_bit(address: usize, bit: u32): u32;
/** Keeps the compiler from moving memory accesses across it. x86 itself reorders only a store with a later load. */
@external("xen", "barrier") export declare function barrier(): void;
/** Keeps the CPU from moving memory accesses across it (mfence). */
@external("xen", "fence") export declare function fence(): void;

/** The time stamp counter, in its own ticks: time.ts turns them into ns. */
@external("xen", "rdtsc") export declare function rdtsc(): u64;
/** Sets RFLAGS.IF: an event that is pending comes with the next instruction but one. */
@external("xen", "interrupts_on") export declare function interrupts_on(): void;
/** Clears RFLAGS.IF: events stay pending until interrupts_on(). */
@external("xen", "interrupts_off") export declare function interrupts_off(): void;
/**
 * The sched_op `cmd`, SCHEDOP_block or SCHEDOP_poll, unless an upcall came since take_upcall() was last called: then
 * it returns 0 at once. No upcall is lost between the look and the hypercall (boot/traps.S).
 */
@external("xen", "sleep_unless_upcall")
export declare function sleep_unless_upcall(cmd: u32, arg: usize): i64;
/** Whether an upcall came since the last call of this. Call it before looking at pending events. */
@external("xen", "take_upcall") export declare function take_upcall(): u32;
/** The page that shared_info is mapped over, the same each time; 0 if none is left. */
@external("xen", "shared_info_place") export declare function shared_info_place(): usize;
/** Tells boot code where shared_info is mapped; 0: a soft reset took it. */
@external("xen", "set_shared_info") export declare function set_shared_info(address: usize): void;
/** Tells the upcall handler where vCPU 0's struct vcpu_info is; 0: nowhere. */
@external("xen", "set_vcpu_info") export declare function set_vcpu_info(address: usize): void;
/** The vector to name in HVM_PARAM_CALLBACK_IRQ. */
@external("xen", "upcall_vector") export declare function upcall_vector(): u32;
/** Turns this vCPU's local APIC on; the vector to name in HVMOP_set_evtchn_upcall_vector. */
@external("xen", "lapic_upcall_vector") export declare function lapic_upcall_vector(): u32;

/** `count` fresh zeroed page frames, mapped for sharing: their address, or 0 when RAM or the window (2 MiB) is used up. */
@external("xen", "shared_alloc") export declare function shared_alloc(count: u32): usize;
/** Maps `count` guest frames from `gfn` on: their address, or 0 when the window is used up. */
@external("xen", "shared_map") export declare function shared_map(gfn: u64, count: u32): usize;
/** The guest frame number behind an address of linear memory or the shared window; u64.MAX_VALUE if there is none. */
@external("xen", "frame_of") export declare function frame_of(address: usize): u64;

/** Waits for standard input; returns how many bytes came, at most `size`, 0 at its end (boot/input.c). */
@external("xen", "input_read") export declare function input_read(to: usize, size: u32): u32;
/** Writes standard output, or with `isError` 1 standard error, as it is and at once (boot/record.c). */
@external("xen", "output_write")
export declare function output_write(isError: u32, from: usize, size: u32): void;
/** `size` bytes that no other run gets (boot/random.c). */
@external("xen", "random_bytes") export declare function random_bytes(to: usize, size: u32): void;

/** Copies `size` bytes of guest physical memory, of any RAM of this domain, to `to`. */
@external("xen", "physical_read") export declare function physical_read(
  to: usize,
  paddr: u64,
  size: u32,
): void;
/** Writes guest physical memory, of any RAM of this domain: nothing keeps it from being in use. */
@external("xen", "physical_write")
export declare function physical_write(paddr: u64, from: usize, size: u32): void;
/** Spare RAM, which neither linear memory nor shared frames have taken: where it begins and ends, physical. */
@external("xen", "spare_begin") export declare function spare_begin(): u64;
/** Where spare RAM ends: spare_begin(). */
@external("xen", "spare_end") export declare function spare_end(): u64;
/** Moves its end: down to take what is above, up to give it back. 0: that is before its begin, and nothing moved. */
@external("xen", "spare_set_end") export declare function spare_set_end(end: u64): u32;
/** Passes on another domain's record as its line came: 189 bytes of printable ASCII at most, without the newline. */
@external("xen", "record_pass_on") export declare function record_pass_on(from: usize, size: u32): void;

/** Ends the guest: there is no memory for its request. Never returns. */
@external("xen", "out_of_memory") export declare function out_of_memory(): void;

/** Starts secondary vCPU `id` (1..3), waking port `port`; how: 0 VCPUOP_initialise and _up, 1 INIT-SIPI. Xen's errno or 0. */
@external("xen", "vcpu_start")
export declare function vcpu_start(id: u32, how: u32, port: u32): i64;
/** Sends it INIT, by local APIC: it is as if it had never been started. */
@external("xen", "vcpu_reset") export declare function vcpu_reset(id: u32): void;
/**
 * Puts the program at `program` (vcpu-program.ts) in its mailbox; 0 if the last one is not finished. The event that wakes it
 * is the caller's to send.
 */
@external("xen", "vcpu_give")
export declare function vcpu_give(id: u32, program: usize): u32;
/**
 * Whether its last program is begun: an event sent from then on is not the one that brought it. To be asked once that one
 * has been sent, which lets the program begin.
 */
@external("xen", "vcpu_taken")
export declare function vcpu_taken(id: u32): u32;
/** Whether its last program is finished. */
@external("xen", "vcpu_done")
export declare function vcpu_done(id: u32): u32;
/** What the last step of its last program came to. */
@external("xen", "vcpu_result")
export declare function vcpu_result(id: u32): i64;
/** Where secondary vCPUs find what they have to know about the event channel ABI in use: an EventView (event-view.ts). */
@external("xen", "set_event_view") export declare function set_event_view(at: usize): void;

/** Copies at most `size` bytes of what the loader left (BootData) to `to`; returns how many bytes there are. */
@external("xen", "boot_data") export declare function boot_data(what: u32, to: usize, size: u32): u32;

/** How many copies the page of boot/kexec.S can list. */
@external("xen", "kexec_room") export declare function kexec_room(): u32;
/** Writes that page at physical `page`; `copies` are `count` of struct kexec_copy, {to, from, bytes, zeroes}: u32. */
@external("xen", "kexec_place")
export declare function kexec_place(page: u32, entry: u32, startInfo: u32, copies: usize, count: u32): void;
/** Resets the other vCPUs, writes the next record's number at physical `sequenceDigits` (0: nowhere), and jumps. */
@external("xen", "kexec_jump") export declare function kexec_jump(page: u32, sequenceDigits: u64): void;

/**
 * From now on a crash of this guest is a soft reset and a jump by the page at `page`; struct crash_info (boot/crash.h)
 * at physical `info` is filled in then. `page` 0: no more.
 */
@external("xen", "crash_reserve")
export declare function crash_reserve(page: u32, info: u64, sequenceDigits: u64): void;

/** The PV console may be taken up from now on, when something is first said. */
@external("xen", "console_announce") export declare function console_announce(): void;
/** Takes up the PV console's ring and its event channel, where the domain has them (boot/console.c). */
@external("xen", "console_attach") export declare function console_attach(): void;

/** Whether the console's daemon has read all that was written; 1 also if there is no console. */
@external("xen", "console_drained") export declare function console_drained(): u32;

/** The runtime is set up. The program's first record says so too; before trouble and a wait it is a record of its own. */
@external("xen", "program_begins") export declare function program_begins(): void;
/** From here on it is another run: its records have this nonce (ASCII), and count from 0. For a program that waits for what it is to do. */
@external("xen", "run_begins") export declare function run_begins(nonce: usize, length: u32): void;
/** Says so, if it is unsaid yet. Stands before what may take long or never end, or ends the domain; sleep_unless_upcall() has it in it. */
@external("xen", "say_stage") export declare function say_stage(): void;

/** Writes a record: kind and text as UTF-16 with their lengths in code units. */
@external("xen", "record") export declare function record(
  kind: usize,
  kindUnits: u32,
  text: usize,
  textUnits: u32,
): void;
