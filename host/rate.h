/*
 * rate: when the next request to an origin may start. Pure: the caller passes the time in.
 *
 * Starts are spaced evenly (a leaky bucket without a burst), and the whole origin pauses when the server asks for it. A server
 * that says 429 gets half of what it had, then a tenth more each second (additive increase, multiplicative decrease, as
 * in TCP: RFC 5681) until the pace is where it was set, or is no longer what limits.
 */
#ifndef MOONKEY_RATE_H
#define MOONKEY_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_SLOWEST_NS (5 * NS_PER_S) /* between two starts, however often the server says 429 */

struct rate {
    int64_t interval;     /* ns between two starts; 0: unlimited */
    int64_t next;         /* the earliest next start by the pace */
    int64_t last;         /* start; 0: none yet */
    int64_t paused_until; /* nothing starts before */

    int64_t configured;     /* the interval as set; 0: unlimited */
    bool adapted;           /* `interval` is the server's doing */
    double ceiling;         /* starts a second at the time of the first cut since it last was not adapted */
    int64_t cut_at;         /* time of the last cut */
    int64_t climbed_at;     /* time of the last cut or step up */
    int64_t window_start;   /* starts are counted by the second, to know what half of them is */
    unsigned window_starts; /* in this window */
    double observed;        /* starts a second in the window before; 0: not known yet */
};

/* `per_second` > 0 sets the pace; 0 means unlimited. */
void rate_init(struct rate *rate, double per_second);
/* Another pace from now on, counted from the last start. One that the server has cut further stays cut. */
void rate_set(struct rate *rate, double per_second);
/* The time at which the next request may start: at or before `now` means at once. */
int64_t rate_due(const struct rate *rate, int64_t now);
/* One request starts at `now`. */
void rate_take(struct rate *rate, int64_t now);
/* Nothing starts before `until`; a shorter pause does not end a longer one. */
void rate_pause(struct rate *rate, int64_t until);
/* The server said 429 to a request that started at `started`. Was the pace cut? Not by those that started before the last cut.
 */
bool rate_throttled(struct rate *rate, int64_t started, int64_t now);
/* A request was accepted. Was the last restriction by the server lifted? */
bool rate_accepted(struct rate *rate, int64_t now);
/* Starts a second that the server's 429s have left; 0: they have no effect. */
double rate_adapted(const struct rate *rate);

#endif
