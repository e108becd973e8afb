/*
 * Events as a secondary vCPU takes them, in both of Xen's ABIs (event_channel.h). vCPU 0 takes its own in AssemblyScript
 * (src/guest/xenlet/internal/events), which also tells here by struct event_view which ports are whose, and where the FIFO
 * ABI's pages are mapped. Both sides consume in the same order, and for the same reasons: the comments are there.
 */
#include "boot.h"

static const struct event_view *view;

void events_view(const struct event_view *at)
{
    view = at;
}

static volatile uint64_t *two_level(uint32_t map, uint32_t word)
{
    return (volatile uint64_t *)(shared_info + map) + word;
}

static volatile uint32_t *fifo_word(uint32_t port)
{
    uint32_t page = port / FIFO_WORDS_PER_PAGE < FIFO_PAGES ? view->pages[port / FIFO_WORDS_PER_PAGE] : 0;

    return page ? (volatile uint32_t *)(uint64_t)page + port % FIFO_WORDS_PER_PAGE : NULL;
}

static bool is_fifo(void)
{
    return view && view->fifo;
}

void event_clear(uint32_t port)
{
    if (is_fifo()) {
        volatile uint32_t *word = fifo_word(port);

        if (word)
            __atomic_fetch_and(word, ~EVTCHN_FIFO_PENDING_BIT, __ATOMIC_SEQ_CST);
        return;
    }
    __atomic_fetch_and(two_level(SHARED_INFO_EVTCHN_PENDING, port / 64), ~(1ul << port % 64), __ATOMIC_SEQ_CST);
}

/* A port's pending bit stands in a word that other vCPUs' ports share, so those of another vCPU stay as they are. */
static uint32_t take_two_level(const struct vcpu *self)
{
    volatile uint64_t *selector = (volatile uint64_t *)(self->vcpu_info + VCPU_INFO_EVTCHN_PENDING_SEL);
    uint64_t words = __atomic_exchange_n(selector, 0, __ATOMIC_SEQ_CST);
    uint32_t taken = 0;

    for (; words; words &= words - 1) {
        uint32_t word = __builtin_ctzl(words);
        uint64_t ready = *two_level(SHARED_INFO_EVTCHN_PENDING, word) & ~*two_level(SHARED_INFO_EVTCHN_MASK, word);

        for (; ready; ready &= ready - 1) {
            uint32_t port = word * 64 + __builtin_ctzl(ready);

            if (!view || view->owner[port] != self->id)
                continue;
            event_clear(port);
            taken++;
        }
    }
    return taken;
}

static uint32_t take_queue(volatile uint32_t *head)
{
    uint32_t taken = 0;

    for (uint32_t port = *head; port;) {
        volatile uint32_t *word = fifo_word(port);
        uint32_t old;

        if (!word)
            break;
        old = __atomic_fetch_and(word, ~(EVTCHN_FIFO_LINKED_BIT | EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);
        if ((old & EVTCHN_FIFO_PENDING_BIT) && !(old & EVTCHN_FIFO_MASKED_BIT)) {
            event_clear(port);
            taken++;
        }
        port = old & EVTCHN_FIFO_LINK_MASK;
    }
    return taken;
}

static uint32_t take_fifo(const struct vcpu *self)
{
    volatile uint32_t *control = (volatile uint32_t *)(uint64_t)view->control[self->id];
    uint32_t ready, taken = 0;

    if (!control)
        return 0;
    while ((ready = __atomic_exchange_n(control, 0, __ATOMIC_SEQ_CST)))
        for (; ready; ready &= ready - 1)
            taken += take_queue(control + 2 + __builtin_ctz(ready));
    return taken;
}

uint32_t events_take(struct vcpu *self)
{
    self->upcall_seen = 0;
    if (!self->vcpu_info)
        return 0;
    self->vcpu_info[0] = 0; /* evtchn_upcall_pending, before what it tells of is looked at */
    return is_fifo() ? take_fifo(self) : take_two_level(self);
}
