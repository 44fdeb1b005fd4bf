/*
 * rate: when the next request to an origin may start. Pure: the caller passes the time in.
 *
 * Starts are spaced evenly (a leaky bucket without a burst), and the whole origin pauses when the server asks for it.
 */
#ifndef MOONKEY_RATE_H
#define MOONKEY_RATE_H

#include <stdint.h>

struct rate {
    int64_t interval;     /* ns between two starts; 0: unlimited */
    int64_t next;         /* the earliest next start by the pace */
    int64_t paused_until; /* nothing starts before */
};

/* `per_second` > 0 sets the pace; 0 means unlimited. */
void rate_init(struct rate *rate, double per_second);
/* The time at which the next request may start: at or before `now` means at once. */
int64_t rate_due(const struct rate *rate, int64_t now);
/* One request starts at `now`. */
void rate_take(struct rate *rate, int64_t now);
/* Nothing starts before `until`; a shorter pause does not end a longer one. */
void rate_pause(struct rate *rate, int64_t until);

#endif
