/*
 * What the C files of boot/ offer each other and the lowered Wasm code. Each group is a file.
 */
#ifndef XENLET_BOOT_H
#define XENLET_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "xen.h"

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, io_bitmap;
} __attribute__((packed));

/* Which program a secondary vCPU is to run, and how far it is: vcpu.c. */
struct mailbox {
    volatile uint32_t program;  /* address of a struct vcpu_program */
    volatile uint32_t sequence; /* goes up with each program */
    volatile uint32_t sent;     /* the sequence number of the last program whose event Xen has sent */
    volatile uint32_t taken;    /* the sequence number of the last program begun */
    volatile uint32_t done;     /* the sequence number of the last program finished */
    uint32_t port;              /* the event channel port that wakes this vCPU */
    volatile int64_t result;    /* its last step's answer */
};

/* What %gs points to, one for each vCPU. The first offsets are layout.h's, for assembly. */
struct vcpu {
    volatile uint8_t *vcpu_info;   /* struct vcpu_info in shared memory, or null: no upcalls yet */
    volatile uint8_t upcall_seen;  /* set by upcall_entry, cleared before a scan of the pending words */
    uint32_t id;
    struct vcpu *self;             /* so that this_vcpu() is one load */
    uint64_t gdt[5];
    struct tss tss;
    struct mailbox mailbox;
};
_Static_assert(offsetof(struct vcpu, vcpu_info) == VCPU_INFO, "layout.h");
_Static_assert(offsetof(struct vcpu, upcall_seen) == VCPU_UPCALL_SEEN, "layout.h");
_Static_assert(offsetof(struct vcpu, self) == VCPU_SELF, "layout.h");
_Static_assert(offsetof(struct vcpu, id) == 12, "src/host/core/take.ts");
extern struct vcpu vcpus[MAX_VCPUS];

static inline struct vcpu *this_vcpu(void)
{
    struct vcpu *self;

    __asm__("mov %%gs:%c1, %0" : "=r"(self) : "i"(VCPU_SELF));
    return self;
}

/* What trap_common (traps.S) and the CPU push. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* traps.c: exceptions end the guest, with a record that says which and where. */
void traps_init(struct vcpu *self);
/* Where it is defined, it is called for a trap first, and may continue elsewhere (tests). */
__attribute__((weak)) void trap_caught(const char *kind);

/* traps.S: SCHEDOP_block or _poll, unless an upcall came since this_vcpu()->upcall_seen was cleared. */
int64_t sleep_unless_upcall(uint32_t cmd, uint64_t arg);

/* hypercall.c: finds Xen by CPUID and readies the hypercalls. */
void hypercall_init(void);
/* It has found them to be what they should be. */
extern bool hypercalls_ready;

/* start_info.c: checks what the loader left, and keeps a copy that nothing overwrites. */
enum boot_data {
    BOOT_START_INFO,
    BOOT_CMDLINE,
    BOOT_MEMMAP,
    BOOT_MODLIST,
    BOOT_RUN_BLOCK,
    BOOT_ARGUMENTS, /* each with its NUL */
    BOOT_VARIABLES, /* of the environment, NAME=VALUE, the same way */
};
#define MAX_CMDLINE 2048
/* The command line as the loader gave it: every word of it. */
extern char cmdline[MAX_CMDLINE];
void start_info_init(void);
bool is_hardware_domain(void);
/* The end of the RAM region that holds physical address `paddr`, or 0 if no region does. */
uint64_t ram_region_end(uint64_t paddr);
/*
 * Moves the modules that lie in [lowest, top), where linear memory would grow over them, to the end of that
 * range. Returns the first byte that they take there: the new top.
 */
uint64_t modules_keep(uint64_t lowest, uint64_t top);
/* Copies at most `size` bytes of that data to `to`; returns how many bytes there are. */
uint32_t boot_data_copy(enum boot_data what, void *to, uint32_t size);
/* The value of `key=value` on the command line; its length is left in `*length`. Null if absent. */
const char *cmdline_value(const char *key, uint32_t *length);

/* run_block.c: what this run of the image was given beside its command line. */
struct run_block;
/* Null: nothing. */
extern const struct run_block *run_block;
void run_block_init(void);
/* The command line's first word that is the user's: before it are the harness's, for an image without a run block. */
const char *user_words(void);
/* The command line in it, for where the loader gives none. Null: there is none. */
const char *run_cmdline(void);
/* Strings one behind the other, each with a NUL. */
struct run_strings {
    const char *from;
    uint32_t bytes, count;
};
/* The program's arguments: what it is called by, and what it was given. */
struct run_strings run_arguments(void);
/* And behind them these: the user's words of the command line, unless arguments were given apart from it. */
struct run_strings run_words(void);
/* The environment, NAME=VALUE. */
struct run_strings run_variables(void);

/* random.c: bytes that no other run gets, from the run block's 32. Any number of them. */
void random_bytes(void *to, uint32_t size);

/* memory.c: linear memory's page tables, and the window of frames shared with Xen. */
/* Whether page 0 is memory like any other: module.c. */
extern const bool linear_page_zero;
/*
 * Whether the module may use module "xen": module.c. Another does not know about the shared window, which then lies where
 * no Wasm pointer reaches, so that the module finds nothing there.
 */
extern const bool module_knows_xen;
void linear_init(uint32_t bytes);
/* Maps linear memory up to `bytes`, zeroed; false if the domain does not have that much RAM. */
bool linear_grow(uint64_t from, uint64_t bytes);
/* `count` fresh zeroed frames in the shared window: their address, or 0 when RAM or window is used up. */
uint64_t shared_alloc(uint32_t count);
/* Maps the frames from `gfn` on in the shared window: their address, or 0 when the window is used up. */
uint64_t shared_map(uint64_t gfn, uint32_t count);
/* The guest frame behind an address in linear memory or in the shared window; ~0 if nothing is mapped. */
uint64_t frame_of(uint32_t address);
/* One or two pages of physical memory, to be read before anything owns them. Valid until the next call. */
const void *physical_peek(uint64_t paddr);
/* Copies physical memory, across any number of pages. */
void physical_read(void *to, uint64_t paddr, uint64_t bytes);
/* One page of physical memory that is ours to write. Valid until the next call. */
void *physical_poke(uint64_t paddr);
void physical_write(uint64_t paddr, const void *from, uint64_t bytes);
/* Spare RAM, between linear memory and the shared frames: where it begins and ends, physical. */
uint64_t spare_begin(void);
uint64_t spare_end(void);
/* Moves the end: down to take what is above it, up again to give it back. False beyond the beginning. */
bool spare_set_end(uint64_t end);
bool is_stack_guard(uint64_t address);
/* Maps the part of vCPU 0's stack that `address` is in; false if it is in none. */
bool stack_extend(uint64_t address);
/*
 * All of it: before interrupts that are lost if their delivery faults. An upcall by HVM_PARAM_CALLBACK_IRQ is not: Xen
 * injects it as long as an event waits. One by the local APIC is.
 */
void stack_map_all(void);

/* shared_info.c */
/* The page, while it is mapped. */
extern volatile uint8_t *shared_info;
/* The address that it is mapped at, each time; 0 if there is no frame left. */
uint64_t shared_info_place(void);
/* Maps it, if it is not: without an upcall, and with what is in it. False where it cannot be, or a soft reset took it. */
bool shared_info_map(void);
/* The runtime has mapped it there. 0: a soft reset took it, and nothing maps it before shared_info_found(). */
void shared_info_set(uint64_t address);
void shared_info_found(void);

/* vcpu.c: secondary vCPUs. */
enum vcpu_start { VCPU_START_HYPERCALL, VCPU_START_INIT_SIPI };
/* Starts vCPU `id`, which `port` wakes, and waits until it runs. 0, or Xen's negative errno. */
int64_t vcpu_start(uint32_t id, enum vcpu_start how, uint32_t port);
/* Whether it was started, and not reset since. */
bool vcpu_ran(uint32_t id);
/* INIT: Xen and vcpu.c take it as never started. It is down, or runs nothing that matters. */
void vcpu_reset(uint32_t id);
/*
 * Gives it the program at that address in linear memory; the caller then sends the event that wakes it. False while it has
 * not finished the last one.
 */
bool vcpu_give(uint32_t id, uint32_t program);
/* To be asked once the program's event has been sent, which lets it begin: whether it has. */
bool vcpu_taken(uint32_t id);

/* vcpu-program.c: carries out a program; the last step's answer. */
struct vcpu_program;
int64_t vcpu_program_run(struct vcpu *self, struct vcpu_program *program);

/* events.c: the events of secondary vCPUs. */
#define EVTCHN_2L_NR_CHANNELS 4096
#define FIFO_PAGES 128
#define FIFO_WORDS_PER_PAGE 1024
/* What the runtime tells of the ABI in use, in linear memory: event-view.ts has the same layout. */
struct event_view {
    volatile uint32_t fifo;                         /* whether it is the FIFO ABI */
    volatile uint32_t control[MAX_VCPUS];           /* FIFO: addresses of the control blocks; 0: none */
    volatile uint32_t pages[FIFO_PAGES];            /* FIFO: addresses of the event array's pages; 0: none */
    volatile uint8_t owner[EVTCHN_2L_NR_CHANNELS];  /* 2-level: the vCPU that each port notifies */
};
void events_view(const struct event_view *view);
/* Consumes every unmasked event of a secondary vCPU; how many they were. An upcall from here on ends its next sleep. */
uint32_t events_take(struct vcpu *self);
void event_clear(uint32_t port);

/* console.c: the PV console's ring. */
/* It may be taken up, once something is said. */
void console_announce(void);
/* Takes it up: at first, and again after a soft reset, which closes its port. Nothing where the domain has none. */
void console_attach(void);
bool console_attached(void);
/* The same, without taking it up. */
bool console_mapped(void);
/* Whether the daemon has read all that was written. */
bool console_drained(void);
/* Writes all of it; waits for the daemon while the ring is full. */
void console_write(const char *from, uint32_t size);
/* The same, but its event, 11 thousand instructions, is left out: for a daemon that is about to look anyway. */
void console_leave(const char *from, uint32_t size);
/* Waits until the daemon has read all that was written, for `within` ns at most. */
void console_flush(uint64_t within);
/* Hands each line that the daemon has not read, or not all of, to `each`, which may be given it again by the daemon. */
void console_unread(void (*each)(const char *line, uint32_t size));
/* At most `size` bytes that were typed: on the ring, or where there is none on Xen's own console. 0 if there are none. */
uint32_t console_read(char *to, uint32_t size);
/* Waits for input or until `deadline`, in ns of Xen system time; 0: none. It may come back early. */
void console_wait(uint64_t deadline);

/* clock.c: Xen system time, and time since 1970-01-01 UTC, in ns. */
uint64_t system_time(void);
uint64_t wall_clock(void);

/* input.c: standard input. Waits for some of it; returns how many bytes, 0 at its end. */
uint32_t input_read(void *to, uint32_t size);
/* Whether input_read() would not wait. */
bool input_ready(void);

/* kexec.c: the jump into another kernel. */
struct kexec_copy;
#define KEXEC_SEQUENCE_DIGITS 10
/* How many copies the page can list. */
uint32_t kexec_room(void);
/* Writes the page of kexec.S at physical `page`. */
void kexec_place(uint32_t page, uint32_t entry, uint32_t start_info, const struct kexec_copy *copies, uint32_t count);
/* Resets the other vCPUs, writes the number of the next record at physical `sequence_digits` (0: nowhere), and jumps. */
_Noreturn void kexec_jump(uint32_t page, uint64_t sequence_digits);
/* crash.c: jumps by the page at physical `page` when the guest crashes, its struct crash_info at `info`. Page 0: no more. */
void crash_reserve(uint32_t page, uint64_t info, uint64_t sequence_digits);
/* Upcalls come through the local APIC, for as long as the domain lives. */
extern bool lapic_has_upcalls;

/* record.c: the lines that tell the outside what happens. */
void record_begin(const char *kind);
void record_char(uint8_t byte);
void record_text(const char *text);
void record_hex(uint64_t value);
void record_decimal(uint64_t value);
void record_utf16(const uint16_t *units, uint32_t count);
/* A line of text, of any length, for `log` and `error`. */
void record_line(const char *kind, const uint16_t *units, uint32_t count);
/* Bytes of standard output or error, as they are: of any number, with or without a line's end. */
void record_output(bool is_error, const uint8_t *bytes, uint32_t size);
void record_end(void);
void record_set_nonce(const char *nonce, uint32_t length);
/* From here on it is another run: its records have this nonce, count from 0, and begin with the stage that is reached. */
void record_begin_run(const char *nonce, uint32_t length);
/* From now on by CONSOLEIO_write: this is domain 0. */
void record_set_consoleio(void);
/* Another domain's record, as its line came: at most 189 bytes, without the newline. */
void record_pass_on(const char *line, uint32_t size);
/*
 * A stage of the boot is reached. Saying so costs as much as all else that a small guest does, so the program's first record
 * says it as well; one of its own comes before what does not, trouble or a wait, and at once in a kernel that another one
 * jumped into, since its records continue that one's.
 */
enum boot_stage { STAGE_SAID, STAGE_ENTERED, STAGE_RUNTIME };
extern enum boot_stage stage_unsaid;
void record_stage(enum boot_stage stage);
void record_say_stage(void);
/* Before what may take long or never end, or ends the domain. */
static inline void say_stage(void)
{
    if (stage_unsaid)
        record_say_stage();
}
/* Nonce, number of the next line and the like, as the run block has them. */
void record_set_run(const struct run_block *run);
/* The number of the next line; and the one to continue with, in decimal, from the kernel that jumped here. */
uint32_t record_sequence(void);
void record_set_sequence(const char *digits, uint32_t length);

/* main.c */
_Noreturn void shutdown(uint32_t reason);
/* The end of a guest that crashed: SHUTDOWN_crash, unless a kernel is in reserve. `frame` null: no exception. */
_Noreturn void crash(const char *kind, const struct trap_frame *frame, uint64_t rip, uint64_t rbp);
/* The first crash. src/host/core/take.ts finds it by its symbol, and takes a core file's registers from it. */
struct crash_state {
    uint64_t rip, rbp;
    uint64_t frame; /* address of a struct trap_frame; 0: no exception */
    uint64_t rsp;   /* without an exception */
    uint64_t vcpu;
};
extern struct crash_state crash_state;
/* crash.c's, while a kernel is in reserve; it does not return either, unless it fails. */
extern void (*crash_hook)(const char *kind, const struct trap_frame *frame, uint64_t rip, uint64_t rbp);
/* Another vCPU crashed, and waits for vCPU 0 to take it over: its interrupt is not vCPU 0's own trap. */
extern volatile bool crash_waits;
/* Ends a guest that cannot continue: a `fatal` record with this sentence, then SHUTDOWN_crash. */
_Noreturn void fatal(const char *sentence);
/* The return addresses from frame pointer `rbp` on, as a field `frames=`. */
void record_backtrace(uint64_t rip, uint64_t rbp);

/* The link script's symbols. */
extern uint8_t text_start[], text_end[], rodata_start[], rodata_end[], data_start[], data_end[];
extern uint8_t linear_phys[], scratch_page[];
extern uint64_t kernel_pt[], kernel_pd[], pml4[], linear_pdpt[], linear_pd[], linear_first_pt[], linear_tail_pt[], shared_pt[];
extern uint8_t stack_guard[], stack_end[], secondary_stacks[], fault_stacks[];

/* start.S */
extern uint64_t start_info_paddr;
extern uint8_t start64[], ap_start16[], ap_start16_end[];
extern uint64_t starting_vcpu, starting_stack, starting_entry;

#endif
