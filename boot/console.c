/*
 * The PV console (io/console.h), where what the guest says to people goes in a domain that has one: two rings
 * in one page, shared with the console daemon. (ConsoleRing of AssemblyScript is for programs that use it by themselves.)
 *
 * The ring outlives a kernel: its counters continue, whichever kernel wrote last.
 */
#include "boot.h"
#include "hypercall.h"

#define IN_SIZE 1024
#define OUT_SIZE 2048

/* How often a wait for dom0's console polls: it has no event that needs no more setting up. */
#define CONSOLE_IO_PERIOD 10000000ul

static uint64_t ring; /* where the page is mapped; 0: this domain has no console, as domain 0 has none */
static uint32_t port;
static bool announced; /* it may be looked for, and has not been */

static uint64_t get_param(uint32_t index)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};

    return hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, (uint64_t)&param) ? 0 : param.value;
}

static volatile uint32_t *counter(uint32_t offset)
{
    return (volatile uint32_t *)(ring + offset);
}

static void notify(void)
{
    uint32_t argument = port;

    hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uint64_t)&argument);
}

void console_announce(void)
{
    announced = true;
}

static void take_up(void)
{
    uint64_t gfn;

    announced = false;
    if (is_hardware_domain())
        return;
    gfn = get_param(HVM_PARAM_CONSOLE_PFN);
    /* A toolstack that resets the domain offers a new port. */
    port = get_param(HVM_PARAM_CONSOLE_EVTCHN);
    if (!gfn || !port)
        ring = 0;
    else if (!ring)
        ring = shared_map(gfn, 1);
    /* What was written while there was no port to tell of it. */
    if (!console_drained())
        notify();
}

void console_attach(void)
{
    shared_info_found();
    take_up();
}

bool console_attached(void)
{
    if (announced)
        take_up();
    return ring;
}

bool console_mapped(void)
{
    return ring && !announced;
}

bool console_drained(void)
{
    return !ring || *counter(XENCONS_OUT_PROD) == *counter(XENCONS_OUT_CONS);
}

/* A daemon that writes nonsense to its counter gets nothing more. */
static uint32_t room(void)
{
    uint32_t used = *counter(XENCONS_OUT_PROD) - *counter(XENCONS_OUT_CONS);

    return used > OUT_SIZE ? 0 : OUT_SIZE - used;
}

/* An event after this ends a poll; what came before has to be looked for. */
static void clear_event(void)
{
    __atomic_and_fetch((volatile uint64_t *)(shared_info + SHARED_INFO_EVTCHN_PENDING) + port / 64,
                       ~(1ul << port % 64), __ATOMIC_SEQ_CST);
}

/*
 * Until the daemon has read. The port's pending bit is cleared before the last look: an event after that ends
 * the poll. If that event announced input as well, a wait for input ends by the next one: what is written
 * now will be read, and that raises an event too. Without shared_info, which a soft reset takes, there is only the next turn.
 */
static void wait_for_room(void)
{
    struct sched_poll poll = {.ports = (uint64_t)&port, .nr_ports = 1};

    if (!shared_info_map()) {
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        return;
    }
    clear_event();
    if (!room())
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&poll);
}

void console_flush(uint64_t within)
{
    struct sched_poll poll = {.ports = (uint64_t)&port, .nr_ports = 1};
    uint64_t deadline;

    if (console_drained() || !shared_info_map())
        return;
    deadline = system_time() + within;
    poll.timeout = deadline;
    while (!console_drained() && system_time() < deadline) {
        clear_event();
        if (!console_drained())
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&poll);
    }
}

static void put_in(const char *from, uint32_t size, bool tell)
{
    while (size) {
        uint32_t start = *counter(XENCONS_OUT_PROD), count = room();

        if (!count) {
            if (!tell)
                notify();
            wait_for_room();
            continue;
        }
        if (count > size)
            count = size;
        for (uint32_t i = 0; i < count; i++)
            *(volatile char *)(ring + XENCONS_OUT + (start + i) % OUT_SIZE) = from[i];
        /* The bytes before the counter that announces them: x86 keeps stores in order, the compiler volatile ones. */
        *counter(XENCONS_OUT_PROD) = start + count;
        if (tell)
            notify();
        from += count;
        size -= count;
    }
}

void console_write(const char *from, uint32_t size)
{
    put_in(from, size, true);
}

void console_leave(const char *from, uint32_t size)
{
    put_in(from, size, false);
}

/*
 * A line is one piece in the ring, but for a writer that had to wait: what the daemon has read of it may lie before its
 * counter. It is whole where it has not been written over.
 */
void console_unread(void (*each)(const char *line, uint32_t size))
{
    static char line[OUT_SIZE];
    uint32_t end, begin, length = 0;

    if (!ring || console_drained())
        return;
    end = *counter(XENCONS_OUT_PROD);
    begin = *counter(XENCONS_OUT_CONS);
    if (end - begin > OUT_SIZE)
        return;
    while (end - begin < OUT_SIZE && *(volatile char *)(ring + XENCONS_OUT + (begin - 1) % OUT_SIZE) != '\n')
        begin--;
    for (; begin != end; begin++) {
        line[length] = *(volatile char *)(ring + XENCONS_OUT + begin % OUT_SIZE);
        if (line[length++] == '\n') {
            each(line, length);
            length = 0;
        }
    }
}

static uint32_t typed(void)
{
    uint32_t available = *counter(XENCONS_IN_PROD) - *counter(XENCONS_IN_CONS);

    /* A counter that makes no sense counts as a full ring. */
    return available > IN_SIZE ? IN_SIZE : available;
}

uint32_t console_read(char *to, uint32_t size)
{
    uint32_t start, available;

    if (!console_attached()) {
        int64_t count = hypercall3(__HYPERVISOR_console_io, CONSOLEIO_read, size, (uint64_t)to);

        return count < 0 ? 0 : count;
    }
    start = *counter(XENCONS_IN_CONS);
    available = typed();
    if (size > available)
        size = available;
    for (uint32_t i = 0; i < size; i++)
        to[i] = *(volatile char *)(ring + XENCONS_IN + (start + i) % IN_SIZE);
    *counter(XENCONS_IN_CONS) = start + size;
    if (size)
        notify();
    return size;
}

void console_wait(uint64_t deadline)
{
    struct sched_poll poll = {.ports = (uint64_t)&port, .nr_ports = console_attached() ? 1 : 0, .timeout = deadline};
    uint64_t now = system_time();

    say_stage();
    if (poll.nr_ports) {
        clear_event();
        if (typed())
            return;
    } else if (!deadline || deadline > now + CONSOLE_IO_PERIOD) {
        poll.timeout = now + CONSOLE_IO_PERIOD;
    }
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&poll);
}
