/* rate: see rate.h. */
#include "rate.h"

#include "clock.h"

void rate_init(struct rate *rate, double per_second)
{
    *rate = (struct rate){.interval = per_second > 0 ? (int64_t)((double)NS_PER_S / per_second) : 0};
}

int64_t rate_due(const struct rate *rate, int64_t now)
{
    int64_t due = rate->paused_until;
    if (rate->interval && rate->next > due)
        due = rate->next;
    return due > now ? due : now;
}

void rate_take(struct rate *rate, int64_t now)
{
    if (!rate->interval)
        return;
    /* Time that went by unused is lost, not saved up; a start that came late by less than one interval does not shift the next.
     */
    int64_t from = now - rate->next < rate->interval ? rate->next : now;
    rate->next = from + rate->interval;
}

void rate_pause(struct rate *rate, int64_t until)
{
    if (until > rate->paused_until)
        rate->paused_until = until;
}
