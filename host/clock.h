/*
 * clock: monotonic time for everything that waits, wall time for everything that is shown.
 *
 * Times are int64_t nanoseconds. Tests replace the monotonic clock, so nothing else in the host reads one.
 */
#ifndef MOONKEY_CLOCK_H
#define MOONKEY_CLOCK_H

#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* Nanoseconds since an arbitrary point; never goes back. */
int64_t clock_now(void);
/* The same, but from another point, and it goes on while the machine sleeps: for what others count on meanwhile. */
int64_t clock_elapsed(void);
/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);
/* Let `now` stand in for both monotonic clocks; NULL restores them. For tests. */
void clock_override(int64_t (*now)(void));

#endif
