/* breaker: see breaker.h. */
#include "breaker.h"

#include "clock.h"

int64_t breaker_due(const struct breaker *b, int64_t now)
{
    if (b->state == BREAKER_PROBING)
        return INT64_MAX;
    return b->state == BREAKER_OPEN && b->due > now ? b->due : now;
}

bool breaker_start(struct breaker *b)
{
    if (b->state != BREAKER_OPEN)
        return false;
    b->state = BREAKER_PROBING;
    return true;
}

/* Up to a tenth longer, so that many programs do not probe in step. */
static void open_for(struct breaker *b, int64_t wait, int64_t now, uint64_t random)
{
    b->state = BREAKER_OPEN;
    b->wait = wait < BREAKER_WAIT_CAP_NS ? wait : BREAKER_WAIT_CAP_NS;
    b->due = now + b->wait + (int64_t)(random % (uint64_t)(b->wait / 10));
}

static bool must_open(const struct breaker *b)
{
    uint32_t window = b->failures & ((UINT32_C(1) << BREAKER_WINDOW) - 1);
    return b->seen >= BREAKER_WINDOW && __builtin_popcount(window) >= BREAKER_WINDOW / 2;
}

bool breaker_note(struct breaker *b, bool probe, bool failed, int64_t now, uint64_t random)
{
    if (b->state == BREAKER_CLOSED) {
        b->failures = b->failures << 1 | failed;
        b->seen += b->seen < BREAKER_WINDOW;
        if (!must_open(b))
            return false;
        open_for(b, BREAKER_WAIT_NS, now, random);
        return true;
    }
    if (!probe) /* it was on its way when the breaker opened: old news */
        return false;
    if (failed)
        open_for(b, b->wait * 2, now, random);
    else
        *b = (struct breaker){.state = BREAKER_CLOSED};
    return true;
}

void breaker_abandon(struct breaker *b, int64_t now)
{
    if (b->state == BREAKER_PROBING) {
        b->state = BREAKER_OPEN;
        b->due = now;
    }
}
